"""streamedit itself, with one worker on the relays' core, and with two on every core that there is.

Two share a Redis on this machine, in which every event is before it is delivered.
"""

import shutil
import socket
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from .footprints import python_packages
from .relays import Relay, Site

_ENVIRONMENT = Path(".venv").absolute()
_REDIS_PORT = 6379
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
    command = _command(program, site)
    with (site.folder / "streamedit.yaml").open("a") as config:
        config.write(f"server:\n  redis_url: redis://127.0.0.1:{_REDIS_PORT}/0\n  redis_prefix: 'bench:'\n  retention_s: 5\n")
    return [*command, "--workers", "2"]


def _program_and_redis() -> str | None:
    with socket.socket() as connection:
        return shutil.which(_PROGRAM) if connection.connect_ex(("127.0.0.1", _REDIS_PORT)) == 0 else None


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

_TWO_WORKERS = replace(
    _STREAMEDIT,
    name="streamedit-2",
    program=_program_and_redis,
    command=_command_of_two,
    hint="redis-server must run at its usual port",
    core=None,
)

OURS = [_STREAMEDIT, _TWO_WORKERS]
