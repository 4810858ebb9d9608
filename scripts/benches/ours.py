"""streamedit itself, with one worker on the relays' core, and with two on every core that there is."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from .footprints import python_packages
from .relays import Relay, Site

_ENVIRONMENT = Path(".venv").absolute()
_PROGRAM = str(_ENVIRONMENT / "bin/streamedit")


def _command(program: str, site: Site) -> Sequence[str]:
    config = site.folder / "streamedit.yaml"
    config.write_text(f"""model_list:
  - model_name: bench
    litellm_params:
      model: openai/bench
      api_base: {site.upstream}/v1
      api_key: none
""")
    return [program, "serve", "--config", str(config), "--host", "127.0.0.1", "--port", str(site.port)]


def _command_of_two(program: str, site: Site) -> Sequence[str]:
    return [*_command(program, site), "--workers", "2"]


_STREAMEDIT = Relay(
    "streamedit",
    partial(shutil.which, _PROGRAM),
    _command,
    version=[_PROGRAM, "--version"],
    hint="./scripts/serve --help",
    footprint=partial(python_packages, _ENVIRONMENT, "streamedit", source=Path("streamedit").absolute()),
    ready="/health/ready",
    remembers=True,
)

OURS = [_STREAMEDIT, replace(_STREAMEDIT, name="streamedit-2", command=_command_of_two, core=None)]
