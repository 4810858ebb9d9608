"""streamedit's own command, which tells how many tasks it has. Run as `python counting.py FILE ARGUMENT...`.

On SIGUSR1 it adds a line to FILE.
"""

import asyncio
import signal
import sys
from pathlib import Path

from streamedit.cli import main


def _run(file: Path) -> None:
    def tell(*_: object) -> None:
        with file.open("a") as out:
            out.write(f"{len(asyncio.all_tasks())}\n")

    signal.signal(signal.SIGUSR1, tell)
    main()


if __name__ == "__main__":
    _run(Path(sys.argv.pop(1)))
