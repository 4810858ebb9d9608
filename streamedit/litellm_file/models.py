"""From `model_list` to routes, and the rules between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from streamedit.documents import Document, Location
from streamedit.environment import routes_of
from streamedit.litellm_file.deployments import Defaults, retries_of, target_of
from streamedit.litellm_file.policies import Policies, names_in, rules_of, unserved
from streamedit.litellm_file.sections import Entry, LiteLLMFile
from streamedit.routes import Route, Routes, Rules
from streamedit.targets import Setup, Target

_USUAL_MODEL = "gpt-image-2"
"""The default where the file names none and has it: llmapi.site's, too."""


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a file."""

    file: LiteLLMFile
    policies: Policies
    environ: Mapping[str, str]
    providers: Mapping[str, Setup]

    def routes(self, default_model: str | None, document: Document) -> Routes:
        """All of them. `default_model`: as the file names it. What is wrong is told to `document`."""
        routes = self._routes(document)
        models = Routes(routes, None, Rules(strangers=self._strangers()))
        rules = rules_of(self.file.routing, models)
        for location, name in unserved(models, rules, [*self._names()]):
            document.mistake(location, f"no model_name '{name}' in model_list")
        if not routes:
            document.mistake(("model_list",), "none of its models makes images")
        served = Routes(routes, default_model or _default(routes), rules)
        if default_model is not None and not served.serves(default_model):
            document.mistake(("server", "default_model"), f"no model_name '{default_model}' in model_list")
        return served

    def _routes(self, document: Document) -> Sequence[Route]:
        """Entries with the same name are one route with several targets, in the order of the file."""
        targets: dict[str, list[Target]] = {}
        retries: dict[str, dict[str, int]] = {}
        for entry, target in self._targets(document):
            targets.setdefault(entry.model_name, []).append(target)
            retries.setdefault(entry.model_name, {}).update(retries_of(entry, target))
        routes = [Route(name, tuple(each), self.policies.of(name, retries[name])) for name, each in targets.items()]
        return [*routes, *(route for route in self._of_any_provider() if route.model not in targets)]

    def _targets(self, document: Document) -> Iterator[tuple[Entry, Target]]:
        defaults = Defaults.of(self.file.routing, self.file.litellm_settings, self.file.credential_list)
        for index, entry in enumerate(self.file.model_list):
            if not entry.makes_images(self.providers) or entry.litellm_params.model == "*":
                continue
            location = ("model_list", index, "litellm_params")
            credential = entry.litellm_params.litellm_credential_name
            if credential is not None and credential not in defaults.credentials:
                document.mistake(
                    (*location, "litellm_credential_name"), f"no credential_name '{credential}' in credential_list"
                )
            target = target_of(entry, defaults, self.environ, self.providers)
            lacks = self.providers[target.provider].mistake(target)
            if lacks and not document.has_unset(location):
                document.mistake(location, lacks)
            yield entry, target

    def _of_any_provider(self) -> Iterator[Route]:
        """The model `*` is whatever the keys in the environment bring."""
        if any(entry.litellm_params.model == "*" for entry in self.file.model_list):
            yield from routes_of(self.environ, self.providers, self.policies)

    def _strangers(self) -> frozenset[str]:
        return frozenset(entry.model_name for entry in self.file.model_list if not entry.makes_images(self.providers))

    def _names(self) -> Iterator[tuple[Location, str]]:
        yield from names_in("router_settings", self.file.router_settings)
        yield from names_in("litellm_settings", self.file.litellm_settings)


def _default(routes: Sequence[Route]) -> str | None:
    """A pattern is none."""
    names = [route.model for route in routes if "*" not in route.model]
    return _USUAL_MODEL if _USUAL_MODEL in names else next(iter(names), None)
