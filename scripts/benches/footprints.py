"""What a relay takes on the disk: itself with what it needs, and apart from that the runtime which it needs underneath."""

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)\s*(?:\[(?P<extras>[^\]]*)\])?")
_EXTRA = re.compile(r"extra == ['\"]([\w.-]+)['\"]")
# of the interpreter's library: what tests it, what builds against it, what it makes itself, what others installed
_NOT_RUNTIME = re.compile(r"/(?:site-packages|tests?|config-[^/]*|__pycache__)/")


@dataclass(frozen=True)
class Footprint:
    """Bytes of a relay with everything it needs, and of its runtime, which others may share. None is what nobody knows."""

    own_bytes: int | None
    runtime: str = ""
    runtime_bytes: int = 0


def debian(*packages: str) -> Footprint:
    """Packages by Debian's own figures; OpenSSL, PCRE and the like, which the base system has, do not count."""
    command = ["dpkg-query", "-W", "-f=${Installed-Size}\n", *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return Footprint(None)
    return Footprint(sum(int(kibibytes) for kibibytes in done.stdout.split()) << 10)


def node_modules(folder: Path, node: Path) -> Footprint:
    """A folder of npm's; its runtime is the one file that `node` is."""
    return Footprint(_tree_bytes(folder), "node", node.resolve().stat().st_size)


def python_packages(environment: Path, *roots: str, source: Path | None = None) -> Footprint:
    """What `roots`, packages with their extras, need in a virtual environment; pip and what else is there do not count.

    `source` is the code of a root that is installed as editable, and so has no files in the environment.
    """
    folders = [str(folder) for folder in environment.glob("lib/python*/site-packages")]
    installed = {_canonical(each.name): each for each in distributions(path=folders)}
    own_bytes = sum(_recorded_bytes(each) for each in _closure(installed, roots))
    return Footprint(own_bytes + (_tree_bytes(source) if source else 0), "python", _interpreter_bytes())


def _closure(installed: Mapping[str, Distribution], roots: Sequence[str]) -> Iterator[Distribution]:
    """Each distribution once. A requirement of another platform or Python is one that is not installed."""
    left, seen = list(roots), set[str]()
    while left:
        requirement = left.pop()
        name, extras = _parsed(requirement)
        if requirement in seen or name not in installed:
            continue
        if not any(_parsed(each)[0] == name for each in seen):
            yield installed[name]
        seen.add(requirement)
        left += _required(installed[name], extras)


def _required(distribution: Distribution, extras: Sequence[str]) -> Iterator[str]:
    for line in distribution.requires or []:
        requirement, _, marker = line.partition(";")
        wanted = _EXTRA.findall(marker)
        if not wanted or set(wanted) & set(extras):
            yield requirement.strip()


def _parsed(requirement: str) -> tuple[str, Sequence[str]]:
    found = _REQUIREMENT.match(requirement)
    name, extras = found.group("name", "extras") if found else (requirement, "")
    return _canonical(name), [extra.strip() for extra in (extras or "").split(",")]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _recorded_bytes(distribution: Distribution) -> int:
    paths = [Path(str(file.locate())) for file in distribution.files or []]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _interpreter_bytes() -> int:
    """The program, its shared library and the standard library, as they are shipped."""
    library = Path(sysconfig.get_path("stdlib"))
    shared = Path(str(sysconfig.get_config_var("LIBDIR"))) / str(sysconfig.get_config_var("INSTSONAME"))
    files = [each for each in library.rglob("*") if not _NOT_RUNTIME.search(f"/{each.relative_to(library)}")]
    # a static archive is what others link with; the program has it inside
    files += [each for each in (Path(sys.executable).resolve(), shared) if each.suffix != ".a"]
    return sum(file.stat().st_size for file in files if file.is_file())


def _tree_bytes(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())
