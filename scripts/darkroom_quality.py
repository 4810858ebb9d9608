"""How good the darkroom is where the truth is known, in figures.

`erase`: holes are cut into the test photographs and filled again. Peak signal-to-noise ratio (dB, in the hole) and structural
similarity (in the box about it) of the darkroom, and of OpenCV's two methods: Telea 2004, Navier-Stokes (Bertalmio 2001).
"""

import sys
from pathlib import Path

import numpy as np
from erasures import KINDS, METHODS, figures
from numpy.typing import NDArray
from photographs import NAMES, photograph


def erase_table() -> str:
    """Markdown: a row for each photograph and kind of mask, and the means of each kind and of all."""
    found = {(name, kind): _row(name, kind) for name in NAMES for kind in KINDS}
    rows = [_line(f"{Path(name).stem}, {kind}", row) for (name, kind), row in found.items()]
    rows += [_line(f"**{kind}**", np.mean([found[name, kind] for name in NAMES], 0)) for kind in KINDS]
    rows += [_line(f"**{Path(name).stem}**", np.mean([found[name, kind] for kind in KINDS], 0)) for name in NAMES]
    head = f"| erase: dB / similarity | {' | '.join(METHODS)} |\n|{' --- |' * (len(METHODS) + 1)}\n"
    return head + "".join(rows) + _line("**all**", np.mean(list(found.values()), 0))


def _row(name: str, kind: str) -> NDArray[np.float64]:
    rgb = photograph(name)
    return np.array([figures(fill, rgb, kind) for fill in METHODS.values()])


def _line(title: str, row: NDArray[np.float64]) -> str:
    return f"| {title} | {' | '.join(f'{ratio:.2f} / {alike:.4f}' for ratio, alike in row)} |\n"


def main() -> None:
    """Prints all tables."""
    sys.stdout.write(erase_table())


if __name__ == "__main__":
    main()
