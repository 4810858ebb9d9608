"""What is known of an edit, and of each call of a provider for it, once they have ended: numbers and names alone."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from streamedit.edits import TraceParent
from streamedit.failures import Kind
from streamedit.parties import Party


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """What is known of one call of a target when it has ended. Times in seconds, `started_at_s` in Unix time.

    `number`: 1 for the first attempt at this image. `stage`: 1 for the model that was asked for, 2 for its first fallback.
    `outcome`: completed, the error's code, or abandoned. `overhead_s`: from the accepted request to the first event, what this
    server took of it itself. `cooldown_s`: for how long nobody asks the target because of it. `route`, `pattern`: what the
    configuration calls the model and the target's model, where names are the callers' own choice; empty when it calls them
    nothing. `target_id`: under which the target's health is kept. `kind`: of the failure. `n`: how many images the call was to
    make. `server_address`, `server_port`: where the target is, when it was configured. The tokens by kind are among those
    of all kinds. `charge_micros`: what counts against budgets: the cost, or the worst case of what may have been paid in vain.
    """

    model: str
    provider: str
    target: str
    number: int
    stage: int
    image_index: int
    outcome: str
    status: int | None
    charged: bool
    started_at_s: float
    overhead_s: float | None
    first_event_s: float | None
    total_s: float
    partial_images: int
    images: int
    size_bytes: int
    input_tokens: int
    output_tokens: int
    cost_micros: int | None
    cooldown_s: float
    route: str = ""
    pattern: str = ""
    target_id: str | None = None
    kind: Kind | None = None
    n: int = 1
    server_address: str | None = None
    server_port: int | None = None
    input_image_tokens: int = 0
    cached_tokens: int = 0
    output_text_tokens: int = 0
    charge_micros: int = 0


@dataclass(frozen=True, slots=True)
class EditRecord:
    """What is known of an edit when it has ended. `outcome`: completed, or the error's code. Times in seconds.

    `provider`: the one that was asked last. `fallbacks`: how many models took over. `retries`: attempts at an image after the
    first of the same model. `started_at_s`, `overhead_s`, `route`: as in an attempt. `cost_micros`: micro-dollars of the images
    whose price is known; None when it is of none. `status`, `error_type`: of the error. `trace_id`: of the caller's own trace.
    `input_bytes`: of the files that came with the request. `flagged`: the categories that a moderation has found. The tokens by
    kind, `charge_micros`: as in an attempt, of all attempts.
    """

    edit_id: str
    model: str
    provider: str
    attempts: int
    fallbacks: int
    overhead_s: float | None
    stream: bool
    outcome: str
    partial_images: int
    images: int
    size_bytes: int
    first_event_s: float | None
    total_s: float
    input_tokens: int
    output_tokens: int
    cost_micros: int | None
    started_at_s: float = 0.0
    route: str = ""
    retries: int = 0
    status: int | None = None
    error_type: str | None = None
    trace_id: str | None = None
    input_image_tokens: int = 0
    cached_tokens: int = 0
    output_text_tokens: int = 0
    charge_micros: int = 0
    input_bytes: int = 0
    flagged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """An edit that has ended, and its attempts in the order in which they ended. `parent`: the caller's own span.

    `party`: on whose behalf it was made. It is for the ledger, and in no log.
    """

    edit: EditRecord
    attempts: Sequence[AttemptRecord] = ()
    parent: TraceParent | None = None
    party: Party = field(default_factory=Party)


class Sink(Protocol):
    """Where reports go. It takes them at once; what it does with them happens elsewhere."""

    def take(self, report: Report) -> None: ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """It works inside; leaving waits for what it still has to do, within a bound."""
        ...


def retries_of(attempts: Sequence[AttemptRecord]) -> int:
    """How many attempts came after another one at the same image and model."""
    return len(attempts) - len({(attempt.image_index, attempt.stage) for attempt in attempts})


def fallbacks_of(attempts: Sequence[AttemptRecord]) -> int:
    """How many models took over, one after the other."""
    return max((attempt.stage for attempt in attempts), default=1) - 1
