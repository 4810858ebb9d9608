"""Where megabytes are kept that outlive their request: uploaded files, hosted results. What is known of them is elsewhere.

A blob never changes. Its key is this server's own making: names of `[A-Za-z0-9._-]`, not beginning with a dot, with slashes
between them. Nothing that a caller has written is ever a part of a key. Methods raise ValueError for what is none.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

SLICE_BYTES = 1 << 18
"""The largest slice that is read at a time: what one slow reader costs."""


class Blob(Protocol):
    """One blob, open to be read. Read as a whole it stays readable to its end though it is deleted meanwhile.

    A part of it that is asked for after that may be gone.
    """

    @property
    def size_bytes(self) -> int: ...

    def slices(self, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes]:
        """Its bytes from `start` to `stop`, in order, in slices of at most `SLICE_BYTES`; none beyond its end.

        Raises StoreUnavailable.
        """
        ...

    async def aclose(self) -> None:
        """Give back what it holds, read or not. Idempotent."""
        ...


class Blobs(Protocol):
    """Every method raises StoreUnavailable when the store cannot be reached, and every wait is bounded."""

    def serving(self) -> AbstractAsyncContextManager[None]:
        """The store works inside. Raises OSError, StoreUnavailable when it never will."""
        ...

    async def put(self, key: str, size_bytes: int, slices: AsyncIterator[bytes]) -> None:
        """Keep so many bytes under a key that is not in use: whole and for good, or, however this ends, not at all.

        Raises StorageFull, also when keeping them would leave less room than is to stay free; ValueError when there are more or
        fewer bytes in `slices`, or the key is seen to be in use. What `slices` raises is passed on.
        """
        ...

    async def open(self, key: str) -> Blob | None:
        """The blob of a key, to be closed by who opens it; None where there is none."""
        ...

    async def delete(self, key: str) -> None:
        """There is no blob of this key any more. Idempotent."""
        ...

    async def below(self, prefix: str) -> Sequence[str]:
        """The names that keys have directly behind `prefix` and a slash, each once, in no order.

        Of `a/b/c` and `a/d` those below `a` are `b` and `d`.
        """
        ...

    async def delete_below(self, prefix: str) -> None:
        """There is no blob any more whose key begins with `prefix` and a slash. Idempotent."""
        ...

    async def tidy(self, older_than_s: float) -> None:
        """Away with what puts that never ended have left, once it is so old. It is no blob."""
        ...
