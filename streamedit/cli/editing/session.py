"""One edit from its beginning to its end: its pictures are put down, and whoever watches is told."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from streamedit.cli.editing import Asked, Facts, Heard, Maker, Note, Picture, Unreachable
from streamedit.cli.editing.outputs import Output, OutputError, suffix_of, write
from streamedit.cli.editing.refusals import exit_of
from streamedit.cli.editing.tellers import Sight, Summary, Teller
from streamedit.cli.exits import Exit
from streamedit.cli.printing import forget_stdout
from streamedit.errors import Cancelled, EditError, ErrorDetail


@dataclass(frozen=True, slots=True)
class Places:
    """Where pictures go. `partials`: a folder for partial images; `stem`: how their names begin."""

    output: Output
    partials: Path | None
    stem: str


class Session:
    """See the module. `clock`: monotonic seconds."""

    def __init__(self, asked: Asked, places: Places, teller: Teller, clock: Callable[[], float]) -> None:
        self._asked = asked
        self._places = places
        self._teller = teller
        self._clock = clock
        self._began_s = clock()
        self._sights: list[Sight] = []

    async def run(self, maker: Maker) -> int:
        """The exit code."""
        try:
            self._teller.begin(self._asked)
            async with aclosing(maker.events(self._asked)) as events:
                async for heard in events:
                    await self._hear(heard)
        except EditError as error:
            return self._failed(error.detail, exit_of(error.detail))
        except Unreachable as error:
            return self._failed(_away(str(error), "server_unreachable"), Exit.UNREACHABLE)
        except OutputError as error:
            return self._failed(_away(str(error), "output_failed"), Exit.NOT_BEGUN)
        except BrokenPipeError:
            forget_stdout()
            return 128 + signal.SIGPIPE
        except asyncio.CancelledError:
            self._teller.fail(Cancelled("Interrupted: the edit was cancelled.").detail)
            raise
        finally:
            self._teller.close()
        return Exit.DONE

    async def _hear(self, heard: Heard) -> None:
        at_s = self._clock() - self._began_s
        if isinstance(heard, Picture):
            sight = Sight(heard, at_s, self._kept(heard))
            # The summary needs no pictures, of which there may be dozens.
            self._sights.append(replace(sight, picture=replace(heard, content=b"")))
            await self._teller.show(sight)
        elif isinstance(heard, Note):
            self._teller.note(heard, at_s)
        elif isinstance(heard, Facts):
            self._teller.end(Summary(heard, self._sights, at_s))

    def _kept(self, picture: Picture) -> Path | None:
        if not picture.is_partial:
            return self._places.output.keep(picture.content, picture.image_index)
        if self._places.partials is None:
            return None
        image = f"-{picture.image_index + 1}" if self._asked.n > 1 else ""
        path = self._places.partials / f"{self._places.stem}{image}-partial-{picture.index + 1}{suffix_of(picture.content)}"
        write(path, picture.content)
        return path

    def _failed(self, error: ErrorDetail, code: Exit) -> Exit:
        self._teller.fail(error)
        return code


def _away(message: str, code: str) -> ErrorDetail:
    return ErrorDetail(503, "server_error", message, None, code)
