"""Who hears of an edit while it is made: somebody before a terminal, a script, or nobody."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anyio import to_thread
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from streamedit.cli.editing import Asked, Facts, Note, Picture
from streamedit.cli.editing.refusals import fields_of, told
from streamedit.cli.previews.screen import Screen
from streamedit.cli.printing import NOTE, SUCCESS, dollars, forget_stdout, kibibytes, mistakes, pairs, print_json, seconds
from streamedit.errors import ErrorDetail
from streamedit.events import Json
from streamedit.images import inspect


@dataclass(frozen=True, slots=True)
class Sight:
    """A picture that came. `at_s`: since the beginning; `path`: where it is now, if it was saved."""

    picture: Picture
    at_s: float
    path: Path | None

    @property
    def size(self) -> str:
        """In pixels, as far as that is known."""
        info = inspect(self.picture.content)
        return f"{info.width_px}x{info.height_px}" if info and info.pixels else self.picture.size or ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What an edit came to. Times are since the beginning."""

    facts: Facts
    sights: Sequence[Sight]
    total_s: float

    @property
    def first_s(self) -> float | None:
        return self.sights[0].at_s if self.sights else None

    @property
    def finished(self) -> Sequence[Sight]:
        return [sight for sight in self.sights if not sight.picture.is_partial]


class Teller(Protocol):
    """Tells of an edit, from `begin` to `close`, which may come at any time."""

    def begin(self, asked: Asked) -> None: ...

    async def show(self, sight: Sight) -> None: ...

    def note(self, note: Note, at_s: float) -> None: ...

    def end(self, summary: Summary) -> None: ...

    def fail(self, error: ErrorDetail) -> None: ...

    def close(self) -> None: ...


class Quiet:
    """Tells of nothing but failures."""

    def begin(self, asked: Asked) -> None: ...

    async def show(self, sight: Sight) -> None: ...

    def note(self, note: Note, at_s: float) -> None: ...

    def end(self, summary: Summary) -> None: ...

    def fail(self, error: ErrorDetail) -> None:
        mistakes("\n".join(told(error)))

    def close(self) -> None: ...


class Scripted:
    """Tells scripts: a JSON object in each line, without the pictures. The last one is the summary, or the error.

    Whoever does not listen any more does not stop the edit.
    """

    def begin(self, asked: Asked) -> None: ...

    async def show(self, sight: Sight) -> None:
        picture = sight.picture
        _tell({
            "type": picture.type,
            "index": picture.index if picture.is_partial else None,
            "image_index": picture.image_index,
            "size": sight.size or None,
            "bytes": len(picture.content),
            "elapsed_s": round(sight.at_s, 3),
            "path": _text(sight.path),
        })  # fmt: skip

    def note(self, note: Note, at_s: float) -> None:
        _tell({"type": note.type, "message": note.text, "elapsed_s": round(at_s, 3)})

    def end(self, summary: Summary) -> None:
        facts = summary.facts
        _tell({
            "type": "summary",
            "edit_id": facts.edit_id,
            "model": facts.model,
            "provider": facts.provider,
            "cost_usd": None if facts.cost_usd is None else float(facts.cost_usd),
            "first_event_s": None if summary.first_s is None else round(summary.first_s, 3),
            "total_s": round(summary.total_s, 3),
            "paths": [_text(sight.path) for sight in summary.finished if sight.path],
        })  # fmt: skip

    def fail(self, error: ErrorDetail) -> None:
        _tell(fields_of(error))

    def close(self) -> None: ...


class Watched(Quiet):
    """Tells somebody on stderr: a line for each event; on a terminal with pictures above, and the time that passes below."""

    def __init__(self, console: Console, screen: Screen, clock: Callable[[], float]) -> None:
        self._console = console
        self._screen = screen
        self._waiting = _Waiting(clock)
        self._live = Live(self._waiting, console=console, transient=True, refresh_per_second=10)
        self._asked: Asked

    def begin(self, asked: Asked) -> None:
        self._asked = asked
        names = ", ".join(image.name for image in asked.images)
        self._line(Text.assemble(("Editing ", "bold"), (names, "bold"), f": {' '.join(asked.prompt.split())}"))
        self._wait()

    async def show(self, sight: Sight) -> None:
        shown = await to_thread.run_sync(self._screen.prepared, sight.picture.content)
        self.close()
        if shown:
            shown()
        self._line(_line_of(sight, self._asked))
        self._wait()

    def note(self, note: Note, at_s: float) -> None:
        self.close()
        self._line(Text.assemble(_at(at_s), (note.text, NOTE)))
        self._wait()

    def end(self, summary: Summary) -> None:
        self.close()
        self._console.print(pairs(_told(summary)))

    def fail(self, error: ErrorDetail) -> None:
        self.close()
        super().fail(error)

    def close(self) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def _wait(self) -> None:
        if self._console.is_terminal:
            self._live.start()

    def _line(self, text: Text) -> None:
        """One on the screen, however long it is."""
        if self._console.is_terminal:
            self._console.print(text, no_wrap=True, overflow="ellipsis", crop=True)
        else:
            self._console.print(text, soft_wrap=True)
        self._screen.printed(1)


class _Waiting:
    """A line that says how long it has taken so far."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._spinner = Spinner("dots", style="cyan")
        self._clock = clock
        self._began_s = clock()

    def __rich__(self) -> Spinner:
        self._spinner.update(text=Text(seconds(self._clock() - self._began_s), style="dim"))
        return self._spinner


def _line_of(sight: Sight, asked: Asked) -> Text:
    picture = sight.picture
    which = f"image {picture.image_index + 1} of {asked.n}: " if asked.n > 1 else ""
    what = f"partial image {picture.index + 1} of {asked.partial_images}" if picture.is_partial else "completed"
    size = f"{sight.size} px, " if sight.size else ""
    saved = f"  {sight.path}" if picture.is_partial and sight.path else ""
    style = "" if picture.is_partial else SUCCESS
    return Text.assemble(
        _at(sight.at_s), (f"{which}{what}", style), (f"  {size}{kibibytes(len(picture.content))}{saved}", "dim")
    )


def _at(at_s: float) -> str:
    return f"{seconds(at_s):>8}  "


def _told(summary: Summary) -> Mapping[str, str]:
    facts = summary.facts
    first = f"first picture after {seconds(summary.first_s)}, " if summary.first_s is not None else ""
    made = f"{facts.model} ({facts.provider})" if facts.provider and facts.provider != facts.model else facts.model or ""
    return {
        "Saved": ", ".join(str(sight.path) for sight in summary.finished if sight.path),
        "Time": f"{first}total {seconds(summary.total_s)}",
        "Cost": "" if facts.cost_usd is None else dollars(facts.cost_usd),
        "Model": made,
        "Edit": facts.edit_id or "",
    }


def _tell(value: Mapping[str, Json]) -> None:
    try:
        print_json(value)
        sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
