"""The server that is measured: the real command, on a core of its own, with its bounds out of the way."""

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.benches import machine
from scripts.benches.processes import Weight, free_port, running

_COMMAND = (sys.executable, "-m", "streamedit")
_ROOT = Path(__file__).parents[3]
_START_S = 20.0
_LOOK_S = 0.05
_MOCK = """model_list:
  - model_name: mock
    litellm_params: {model: mock}
"""
_RELAYED = """  - model_name: relayed
    litellm_params: {model: openai/relayed, api_key: none, api_base: "http://127.0.0.1:%d/v1"}
"""
_SERVER = {"max_connections_per_client": 1_000_000, "viewer_age_s": 36_000, "total_s": 36_000, "drain_timeout_s": 0}


@dataclass(frozen=True)
class Subject:
    """A running server."""

    port: int
    pid: int
    weight: Weight

    @property
    def descriptors(self) -> int:
        """Files and sockets that it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - as a path would be for each of thousands

    def unnamed_bytes(self) -> int:
        """What its files without a name take on the disk."""
        total = 0
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            if str(entry.readlink()).endswith(" (deleted)"):
                total += entry.stat().st_blocks * 512
        return total


@contextmanager
def serving(
    folder: Path,
    settings: Mapping[str, object] | None = None,
    *,
    upstream_port: int | None = None,
    command: Sequence[str] = _COMMAND,
) -> Iterator[Subject]:
    """The command with these settings beside `_SERVER`; once it answers. The model `relayed` is what is at that port."""
    config, port = folder / "viewers.yaml", free_port()
    models = _MOCK + (_RELAYED % upstream_port if upstream_port is not None else "")
    lines = (f"  {name}: {value}\n" for name, value in {**_SERVER, **(settings or {})}.items())
    config.write_text(f"{models}server:\n{''.join(lines)}")
    line = [*command, "serve", "--config", str(config), "--port", str(port)]
    with running(line, machine.RELAY_CORE, folder, extra={"PYTHONPATH": str(_ROOT)}) as process:
        _await_answer(port)
        yield Subject(port, process.pid, Weight(process.pid))


def _await_answer(port: int) -> None:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_LOOK_S)
    raise RuntimeError("streamedit did not start; its log is beside its configuration in .cache/bench")
