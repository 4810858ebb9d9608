"""streamedit's own command with a clock inside its event loop. Run as `python ticker.py LOOP FILE ARGUMENT...`.

Every millisecond it notes how late it runs, in lines of `KIND SECONDS MS`, SECONDS on the monotonic clock that all
processes share. What runs between two ticks may be one callback or the turn of many. LOOP `uvloop` is what the server runs
on; with `asyncio`, whose loop is written in Python, each callback that takes more than a millisecond is told by itself too.
"""

import asyncio
import sys
import time
from asyncio import events
from collections.abc import Callable
from functools import wraps
from typing import TextIO

import uvicorn

from streamedit.cli import main

_TICK_S = 0.001
_LONG_S = 0.001


def _tick(loop: asyncio.AbstractEventLoop, out: TextIO, due_s: float) -> None:
    now_s = time.monotonic()
    out.write(f"tick {now_s:.6f} {(now_s - due_s) * 1e3:.3f}\n")
    loop.call_later(_TICK_S, _tick, loop, out, now_s + _TICK_S)


def _timed(run: Callable[[events.Handle], None], out: TextIO) -> Callable[[events.Handle], None]:
    @wraps(run)
    def timed(handle: events.Handle) -> None:
        begun_s = time.monotonic()
        run(handle)
        took_s = time.monotonic() - begun_s
        if took_s > _LONG_S:
            out.write(f"step {begun_s:.6f} {took_s * 1e3:.3f}\n")

    return timed


def _config(loop: str, out: TextIO) -> Callable[..., uvicorn.Config]:
    """uvicorn's configuration, its loop chosen, that starts the clock when the application starts."""

    class Ticking(uvicorn.Config):
        def load(self) -> None:
            super().load()
            running = asyncio.get_running_loop()
            running.call_soon(_tick, running, out, time.monotonic())

    return lambda *arguments, **options: Ticking(*arguments, **{**options, "loop": loop})


def _run(loop: str, file: str) -> None:
    with open(file, "w", buffering=1) as out:  # noqa: PTH123 - a path would be no shorter
        uvicorn.Config = _config(loop, out)  # type: ignore[assignment,misc]
        if loop == "asyncio":
            events.Handle._run = _timed(events.Handle._run, out)  # type: ignore[method-assign,assignment] # noqa: SLF001 - no hook tells
        main()


if __name__ == "__main__":
    chosen, log = sys.argv[1:3]
    sys.argv[1:3] = []
    _run(chosen, log)
