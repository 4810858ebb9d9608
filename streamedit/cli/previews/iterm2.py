"""iTerm2's inline images, which WezTerm, mintty and Konsole show, too.

Source: https://iterm2.com/documentation-images.html.
"""

import base64

from PIL import Image

from streamedit.cli.previews.thumbnails import Cells, png


def encoded(image: Image.Image, cells: Cells) -> str:
    """Shows a picture at the cursor, scaled to `cells`; the cursor ends somewhere behind it, or stays."""
    content = png(image)
    keys = {
        "inline": 1,
        "size": len(content),
        "width": cells.columns,
        "height": cells.rows,
        "preserveAspectRatio": 0,
        "doNotMoveCursor": 1,
    }
    said = ";".join(f"{name}={value}" for name, value in keys.items())
    return f"\x1b]1337;File={said}:{base64.b64encode(content).decode()}\a"
