"""Memory that was freed, given back to the system.

The C library keeps what is freed in pieces of up to 32 MB, for the next such pieces: it would lie idle beside the planes of a
large picture, which are larger than that and are mapped by themselves.
"""

import ctypes

_MAPPED_BYTES = 1 << 25

_trim = getattr(ctypes.pythonapi, "malloc_trim", None)  # glibc's; others have none


def tidied_for(plane_bytes: int) -> None:
    """Before a plane of that size is made: gives back what is free, if the plane cannot be made of it."""
    if _trim is not None and plane_bytes > _MAPPED_BYTES:
        _trim(0)
