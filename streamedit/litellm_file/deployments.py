"""From an entry of `model_list` to a target."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from streamedit.litellm_file.sections import Credential, Entry, LiteLLMSettings, ModelParams, Prices, RouterSettings
from streamedit.targets import Setup, Target

_BESIDE = frozenset(
    {"custom_llm_provider", "model", "api_key", "api_base", "litellm_credential_name", "num_retries", "max_retries"}
)
"""Of `litellm_params`, what no target has among its parameters."""

_NOT_WHERE = frozenset(
    {
        "weight", "order", "rpm", "tpm", "max_parallel_requests", "tags", "timeout", "drop_params", "additional_drop_params",
        "base_model", *Prices.model_fields,
    }
)  # fmt: skip
"""Parameters that say when a target is asked and what it costs, not which one it is."""

_ID_CHARS = 16


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for entries that say nothing themselves. `credentials`: their values by their names."""

    params: Mapping[str, object]
    credentials: Mapping[str, Mapping[str, object]]

    @classmethod
    def of(cls, router: RouterSettings, litellm: LiteLLMSettings, credentials: Sequence[Credential]) -> "Defaults":
        params = {"timeout": router.timeout, "drop_params": litellm.drop_params}
        return cls(_given(params), {each.credential_name: each.credential_values for each in credentials})


def target_of(entry: Entry, defaults: Defaults, environ: Mapping[str, str], providers: Mapping[str, Setup]) -> Target:
    """The target of an entry, with its id. What the entry says itself counts most, then its credential, then the defaults."""
    params = entry.litellm_params
    provider, model = params.place
    credential = defaults.credentials.get(params.litellm_credential_name or "", {})
    said = {**defaults.params, **_given(credential), **_given(_info(entry)), **_given(_own(params))}
    key, base = (_text(said.pop(name, None)) for name in ("api_key", "api_base"))
    target = providers[provider].completed(Target(provider, model, key, base, said), environ)
    return replace(target, id=entry.model_info.id or identity(target))


def identity(target: Target) -> str:
    """An id for a target: the same in each process and after each start, as long as the same place is asked in the same way.

    Two entries that say the same have the same. No key can be read from it.
    """
    where = {name: value for name, value in target.params.items() if name not in _NOT_WHERE}
    place = [target.provider, target.model, target.api_base, target.api_key, where]
    told = json.dumps(place, sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:_ID_CHARS]


def retries_of(entry: Entry, target: Target) -> Mapping[str, int]:
    """How often its target is asked again, by that one's id; nothing where the entry does not say so."""
    params = entry.litellm_params
    retries = params.max_retries if params.num_retries is None else params.num_retries
    return {} if retries is None or target.id is None else {target.id: retries}


def _own(params: ModelParams) -> Mapping[str, object]:
    own = params.model_dump(exclude_unset=True, exclude=set(_BESIDE))
    return {**own, "api_key": params.api_key, "api_base": params.api_base}


def _info(entry: Entry) -> Mapping[str, object]:
    return entry.model_info.model_dump(include={"base_model", *Prices.model_fields})


def _given(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
