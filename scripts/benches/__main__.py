"""`scripts/bench relay`: what relaying costs, beside other relays; `viewers`: what being watched; `admission`: being let in;
`files`: large images, as files of their own, in edits, by reference; `darkroom`: the embedded editor."""

import argparse
import datetime
import importlib.metadata
import shlex
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from . import admission, catalogue, chart, machine, report, startup, themes
from .bench import prepared
from .darkroom import command as darkroom
from .files import command as files
from .relays import Relay
from .samples import Options, Samples
from .viewers import command as viewers
from .viewers.options import Options as ViewerOptions
from .viewers.options import add_arguments

_FOLDER = Path(".cache/bench").absolute()
_PACKAGES = ("httpx", "uvicorn", "uvloop", "starlette", "sse-starlette")


def main() -> int:
    """Measure and print; 1 when any answer was wrong, or a goal of the others is missed."""
    options = _options()
    # a plain kill unwinds like Ctrl-C, so that nothing is left running
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if isinstance(options, ViewerOptions):
            return viewers.run(options, _FOLDER, _about([]))
        if isinstance(options, admission.Options):
            return admission.run(options, _about([]))
        if isinstance(options, files.Options):
            return files.run(options, _FOLDER, _about([]))
        if isinstance(options, darkroom.Options):
            return darkroom.run(options, _about([]))
        return _relay(options)
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _relay(options: Options) -> int:
    relays = list(catalogue.available(options.relays))
    about = _about(relays)
    samples = _measure(options, relays)
    sys.stdout.write(f"{report.markdown(samples, about)}\n\n{startup.markdown(samples.starts)}\n")
    if options.json is not None:
        options.json.write_text(report.raw(samples, options, about) + "\n")
    if options.chart is not None:
        options.chart.write_text(chart.svg(samples))
    return _verdict(samples)


def _measure(options: Options, relays: Sequence[Relay]) -> Samples:
    with prepared(options, _FOLDER) as bench:
        starts = list(startup.measure(bench, relays))
        return Samples(list(themes.measure(bench, relays)), starts)


def _verdict(samples: Samples) -> int:
    faults = samples.faults()
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


def _about(relays: Sequence[Relay]) -> Mapping[str, str | int]:
    versions = {relay.name: machine.first_line(relay.version) for relay in relays}
    packages = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "command": shlex.join(["./scripts/bench", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **machine.facts(),
        **versions,
        **packages,
    }


def _options() -> Options | ViewerOptions | admission.Options | files.Options | darkroom.Options:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    groups = parser.add_subparsers(required=True, dest="group")
    defaults = argparse.ArgumentDefaultsHelpFormatter
    _add_relay_arguments(groups.add_parser("relay", help="beside other relays", formatter_class=defaults))
    add_arguments(groups.add_parser("viewers", help="streamedit alone, watched by thousands", formatter_class=defaults))
    admission.add_arguments(groups.add_parser("admission", help="keys, limits, budgets, ledger", formatter_class=defaults))
    files.add_arguments(groups.add_parser("files", help="large images, and hosted results", formatter_class=defaults))
    darkroom.add_arguments(groups.add_parser("darkroom", help="the embedded editor", formatter_class=defaults))
    arguments = vars(parser.parse_args())
    match arguments.pop("group"):
        case "viewers":
            return ViewerOptions(**arguments)
        case "admission":
            return admission.Options(**arguments)
        case "files":
            return files.Options(**arguments)
        case "darkroom":
            return darkroom.Options(**arguments)
    arguments["relays"] = [*arguments["relays"], *arguments.pop("peers")]
    return Options(**arguments)


def _add_relay_arguments(relay: argparse.ArgumentParser) -> None:
    peers = ",".join(catalogue.ON_DEMAND)
    relay.add_argument("--relays", type=_relays, default=",".join(catalogue.DEFAULT))
    relay.add_argument("--peers", type=_peers, default="", help=f"all, or some of {peers}: installed when first asked for")
    relay.add_argument("--cells", type=_cells, default=",".join(themes.THEMES), help="what to measure")
    relay.add_argument("--rounds", type=int, default=3, help="turns that every relay gets in every cell")
    relay.add_argument("--seconds", type=float, default=1.2, help="per relay, round and cell under load")
    relay.add_argument("--json", type=Path, help="write every raw sample to this file")
    relay.add_argument("--chart", type=Path, help="draw the main figures into this SVG file")


def _chosen(text: str, known: Collection[str]) -> Sequence[str]:
    names = text.split(",") if text else []
    unknown = set(names) - set(known)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return names


def _relays(text: str) -> Sequence[str]:
    return _chosen(text, ["direct", *catalogue.BUILT_IN])


def _peers(text: str) -> Sequence[str]:
    return list(catalogue.ON_DEMAND) if text == "all" else _chosen(text, catalogue.ON_DEMAND)


def _cells(text: str) -> Sequence[str]:
    return _chosen(text, themes.THEMES)


if __name__ == "__main__":
    sys.exit(main())
