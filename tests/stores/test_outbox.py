"""The outbox: what is in it outlives whoever has put it there."""

import io
import os
import resource
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from loggers import logger

from streamedit.stores.boxes import legacies, new_box
from streamedit.stores.outbox import Outbox

LINE = b"x" * 999 + b"\n"
LONG = b"x" * 2000 + b"\n"


@asynccontextmanager
async def opened(folder: Path, limit_bytes: int = 64 << 20, log: io.StringIO | None = None) -> AsyncIterator[Outbox]:
    """An outbox for the time of a `with` block."""
    outbox = Outbox(folder, limit_bytes, logger(log))
    await outbox.open()
    try:
        yield outbox
    finally:
        await outbox.close()


def files_in(folder: Path) -> list[str]:
    """Their names."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def drain(outbox: Outbox, *edit_ids: str) -> list[bytes]:
    """All lines that are not entered; they are then."""
    lines: list[bytes] = []
    while batch := await outbox.read(7):
        lines += batch.lines
        outbox.entered(batch, edit_ids)
    return lines


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """The system takes no file of this process beyond that, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_lines_come_out_as_they_went_in(tmp_path: Path) -> None:
    """In their order, once, over as many files as they took; while more go in."""
    lines = [b"%06d" % number + LINE for number in range(3000)]
    async with opened(tmp_path) as outbox:
        for line in lines[:2500]:
            outbox.keep(line)
        found = await drain(outbox)
        for line in lines[2500:]:
            outbox.keep(line)
        found += await drain(outbox)
        assert found == lines
        assert await outbox.read(1) is None


async def test_what_is_not_entered_is_read_again(tmp_path: Path) -> None:
    """Reading alone takes nothing away."""
    async with opened(tmp_path) as outbox:
        outbox.keep(b"1\n")
        first = await outbox.read(5)
        assert first == await outbox.read(5)
        assert await drain(outbox) == [b"1\n"]


async def test_only_what_is_needed_stays_on_the_disk(tmp_path: Path) -> None:
    """Files of lines that are entered are deleted, those of edits that began when the edits' reports are entered."""
    async with opened(tmp_path) as outbox:
        outbox.begin("early", b"early" + LINE)
        for number in range(3000):
            outbox.begin(f"edit_{number}", LINE)
            outbox.keep(LINE)
        await drain(outbox, *(f"edit_{number}" for number in range(3000)))
        assert files_in(tmp_path) == ["begun-00000001", "begun-00000003", "kept-00000003"]
        outbox.keep(LINE)
        await drain(outbox, "early")
        assert files_in(tmp_path) == ["begun-00000003", "kept-00000003"]


async def test_it_is_for_this_user_alone(tmp_path: Path) -> None:
    """Files and folders; and nothing is left of a box that is empty."""
    folder = tmp_path / "a" / "b"
    async with opened(folder) as outbox:
        outbox.begin("edit_1", b"1\n")
        outbox.keep(b"1\n")
        modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
        boxes = {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
        await drain(outbox, "edit_1")
    assert (modes, boxes) == ({0o600}, {0o700})
    assert list(folder.iterdir()) == []


async def test_there_is_room_up_to_its_limit(tmp_path: Path) -> None:
    """Beyond it what belongs to edits that have begun is still taken; and there is room again when it is entered."""
    async with opened(tmp_path, limit_bytes=2_000_000) as outbox:
        rooms = [outbox.has_room]
        for _ in range(2000):
            outbox.keep(LINE)
        rooms.append(outbox.has_room)
        outbox.keep(LINE)
        assert len(await drain(outbox)) == 2001
        rooms.append(outbox.has_room)
    assert rooms == [True, False, True]


async def test_boxes_of_others_are_left_alone(tmp_path: Path) -> None:
    """As long as they are held; then what is in them goes to one heir."""
    async with opened(tmp_path) as outbox:
        outbox.begin("edit_1", b"begun\n")
        outbox.keep(b"kept\n")
        assert list(legacies(tmp_path)) == []
    found = list(legacies(tmp_path))
    assert [(list(legacy.begun()), list(legacy.kept())) for legacy in found] == [([b"begun\n"], [b"kept\n"])]
    assert list(legacies(tmp_path)) == []
    with found[0] as legacy:
        legacy.remove()
    assert files_in(tmp_path) == []


async def test_an_heir_that_gives_up_leaves_it_to_another(tmp_path: Path) -> None:
    """Nothing of it is gone."""
    async with opened(tmp_path) as outbox:
        outbox.keep(b"kept\n")
    with next(legacies(tmp_path)):
        assert list(legacies(tmp_path)) == []
    with next(legacies(tmp_path)) as legacy:
        assert list(legacy.kept()) == [b"kept\n"]


def test_half_lines_are_left_out(tmp_path: Path) -> None:
    """At the end of any file; and files that are empty."""
    path, lock = new_box(tmp_path)
    for name, text in {"kept-00000001": b"1\n2\nha", "kept-00000002": b"", "kept-00000003": b"3\nhalf"}.items():
        (path / name).write_bytes(text)
    os.close(lock)
    with next(legacies(tmp_path)) as legacy:
        assert list(legacy.kept()) == [b"1\n", b"2\n", b"3\n"]


async def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """There is no room for new edits, the log says so once, and what was not written is entered all the same."""
    log = io.StringIO()
    async with opened(tmp_path, log=log) as outbox:
        outbox.keep(b"0" + LINE)
        with files_of_at_most(1500):
            for number in b"1234":
                outbox.keep(bytes([number]) + LINE)
            outbox.begin("edit_1", LONG)
            outbox.retry()
            rooms = [outbox.has_room]
            assert [line[:1] for line in await drain(outbox)] == [b"0", b"1", b"2", b"3", b"4"]
            outbox.keep(b"5" + LONG)
        outbox.retry()
        outbox.keep(b"6" + LINE)
        rooms.append(outbox.has_room)
        assert [line[:1] for line in await drain(outbox)] == [b"5", b"6"]
    assert rooms == [False, True]
    assert log.getvalue().count("cannot be written to") == 1
    assert log.getvalue().count("can be written to again") == 1


async def test_it_can_be_filled_before_and_after_its_time(tmp_path: Path) -> None:
    """Without a word; there is no room then."""
    outbox = Outbox(tmp_path, 1 << 20, logger())
    assert not outbox.has_room
    await outbox.open()
    await outbox.close()
    outbox.keep(b"1\n")
    assert not outbox.has_room


_WRITER = """
import asyncio, sys
from pathlib import Path
from loggers import logger
from streamedit.stores.outbox import Outbox

async def main():
    outbox = Outbox(Path(sys.argv[1]), 1 << 30, logger())
    await outbox.open()
    number = 0
    while True:
        outbox.begin(f"edit_{number}", b"begun %d\\n" % number)
        outbox.keep(b"kept %d %s\\n" % (number, b"x" * 500))
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""


def test_it_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    """Whatever it had said that it had kept is there, in order; at most one more, which it was about to say."""
    process = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, env=environ())
    assert process.stdout is not None
    for _ in range(700):
        process.stdout.readline()
    process.kill()
    said = 700 + len(process.stdout.read().splitlines())
    process.wait(10)
    process.stdout.close()
    with next(legacies(tmp_path)) as legacy:
        kept = [int(line.split()[1]) for line in legacy.kept()]
    assert kept == list(range(len(kept)))
    assert said - 1 <= len(kept) <= said + 1


def environ() -> dict[str, str]:
    """For programs that know what the tests know."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
