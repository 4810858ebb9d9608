"""What the doctor says of settings, for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

from streamedit.config import ServerSettings, Settings
from streamedit.doctor import examine
from streamedit.doctor.facts import Facts
from streamedit.doctor.findings import Finding, Level
from streamedit.routes import Route, Routes
from streamedit.targets import Target

GOOD_KEY = "sk-Jq3v9Xw1Lr7Zt5Nb8Hy2Kd4Mf6Ps0Gc_AeRu"
MOCK = Target("mock", "mock")


def patient(*targets: Target, keys: tuple[str, ...] = (GOOD_KEY,), secret: str | None = None, **server: Any) -> Settings:
    """Settings of these targets, the mock when there are none."""
    routes = [Route(target.model, (target,)) for target in targets or (MOCK,)]
    return Settings(Routes(routes, routes[0].model), ServerSettings(**server), keys, token_secret=secret)


def found(settings: Settings, **facts: Any) -> Mapping[str, Level]:
    """The level of each topic that there is something to say of."""
    return {finding.topic: finding.level for finding in examine(settings, Facts(**facts))}


def text_of(findings: Sequence[Finding]) -> str:
    """All that was said."""
    return "\n".join(f"{each.topic} {each.what} {each.why} {each.mend}" for each in findings)
