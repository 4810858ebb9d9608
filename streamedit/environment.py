"""The routes that keys in the environment bring, without a configuration of models."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from streamedit.litellm_file.deployments import identity
from streamedit.litellm_file.policies import Policies
from streamedit.routes import Route
from streamedit.targets import Setup, Target


def routes_of(environ: Mapping[str, str], providers: Mapping[str, Setup], policies: Policies) -> Iterator[Route]:
    """Those of each provider whose key is there."""
    for name, setup in providers.items():
        target = setup.completed(Target(name, "*"), environ)
        if target.api_key and setup.mistake(target) is None:
            yield from _keyed(target, setup, policies)


def _keyed(target: Target, setup: Setup, policies: Policies) -> Iterator[Route]:
    """A provider's models by their names, OpenAI's as everybody writes them, without the prefix; all others by the prefix."""
    for model in setup.models:
        name = model if target.provider == "openai" else f"{target.provider}/{model}"
        yield Route(name, (_identified(replace(target, model=model)),), policies.of(name, {}))
    name = f"{target.provider}/*"
    yield Route(name, (_identified(target),), policies.of(name, {}))


def _identified(target: Target) -> Target:
    return replace(target, id=identity(target))
