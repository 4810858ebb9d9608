"""The pictures in a stream of fal's: which of them are interim, and which is the last.

The apps that tell say so in each event; of the others it is known only when the stream ends.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from streamedit.errors import UpstreamBroken, UpstreamRefused
from streamedit.events import Json
from streamedit.providers.calls import read_json, without_secrets
from streamedit.providers.fal.answers import explain, pictures, stage
from streamedit.targets import Target
from streamedit.upstream.client import Answer
from streamedit.wire import bodies
from streamedit.wire.cutouts import Cutout
from streamedit.wire.scanner import FrameScanner


@dataclass(frozen=True, slots=True)
class Draft:
    """One picture, as it stands in the event that brought it; `index` counts the interim ones."""

    event: Cutout
    picture: Json
    index: int = 0


class Drafts:
    """Takes the pictures out of a stream; at most `wanted` interim ones come to stand in `shown`."""

    def __init__(self, wanted: int, answer: Answer, target: Target) -> None:
        self._wanted = wanted
        self._answer = answer
        self._target = target
        self._counted = 0
        self._last: Draft | None = None
        self.shown: deque[Draft] = deque()
        self.ended = False

    def take(self, scanner: FrameScanner) -> None:
        """Take what is whole by now. Raises UpstreamError, Blocked."""
        for event in self._events(scanner):
            found = pictures(event.json)
            if found:
                self._add(Draft(event, found[0]), event.json)
            if self.ended:
                return

    def finish(self, scanner: FrameScanner) -> None:
        """The stream is over: what it broke off with counts only where the last picture has not come. Raises as `take`."""
        if not self.ended:
            scanner.finish()
            self.take(scanner)

    def last(self) -> Draft:
        """The finished picture, which is given away. Raises UpstreamBroken."""
        if self._last is None:
            raise UpstreamBroken("The provider's stream ended without a finished image.", code="upstream_empty")
        last, self._last = self._last, None
        return last

    def _add(self, draft: Draft, event: Json) -> None:
        told = stage(event)
        if told == "partial":
            self._show(draft)
            return
        if self._last is not None:
            self._show(self._last)
        self._last = draft
        self.ended = told == "completed"

    def _show(self, draft: Draft) -> None:
        if self._counted < self._wanted:
            self.shown.append(Draft(draft.event, draft.picture, self._counted))
            self._counted += 1

    def _events(self, scanner: FrameScanner) -> Iterator[Cutout]:
        for frame in scanner.take():
            if frame.is_mark:
                continue
            event = read_json(*frame.pieces)
            if not isinstance(event.json, dict):
                raise UpstreamBroken("The provider sent an event that is no object.", code="upstream_malformed")
            if frame.name == "error" or event.json.get("error") or event.json.get("detail"):
                said = explain(event.json, self._answer.all_headers)
                raise UpstreamRefused(
                    without_secrets(bodies.refusal(502, said, self._answer.headers, charged=True), self._target)
                )
            yield event
