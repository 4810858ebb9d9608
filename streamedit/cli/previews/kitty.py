"""The kitty graphics protocol: PNG in base64, in escapes of at most 4,096 characters.

Source: https://sw.kovidgoyal.net/kitty/graphics-protocol/. A picture with the number of an earlier one takes its place.
"""

import base64
from collections.abc import Iterator

from PIL import Image

from streamedit.cli.previews.thumbnails import Cells, png

_CHUNK_CHARS = 4096


def encoded(image: Image.Image, cells: Cells, number: int) -> str:
    """Shows a picture at the cursor, scaled to `cells`; the cursor stays. The terminal is told not to answer."""
    head = f"a=T,f=100,q=2,C=1,i={number},p=1,c={cells.columns},r={cells.rows}"
    return "".join(_escapes(head, base64.b64encode(png(image)).decode()))


def _escapes(head: str, data: str) -> Iterator[str]:
    for at in range(0, len(data), _CHUNK_CHARS):
        more = int(at + _CHUNK_CHARS < len(data))
        keys = f"{head},m={more}" if at == 0 else f"q=2,m={more}"
        yield f"\x1b_G{keys};{data[at : at + _CHUNK_CHARS]}\x1b\\"
