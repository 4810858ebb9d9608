"""`scripts/bench relay`: what relaying costs, beside other relays, on this machine, now."""

import argparse
import datetime
import importlib.metadata
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import machine, memory, report, speed
from .bench import prepared
from .relays import RELAYS, Relay
from .samples import Options, Samples

_FOLDER = Path(".cache/bench").absolute()
_PACKAGES = ("aiohttp", "httpx", "uvicorn", "uvloop", "starlette", "sse-starlette")


def main() -> int:
    """Measure and print; 1 when any answer was wrong."""
    options = _options()
    # a plain kill unwinds like Ctrl-C, so that nothing is left running
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    relays = _installed(options)
    about = _about(relays)
    try:
        samples = _measure(options, relays)
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(report.markdown(samples, options, about) + "\n")
    if options.json is not None:
        options.json.write_text(report.raw(samples, options, about) + "\n")
    return _verdict(samples)


def _measure(options: Options, relays: Sequence[Relay]) -> Samples:
    with prepared(options, _FOLDER) as bench:
        loads, latencies, rests = speed.measure(bench, relays)
        return Samples(loads, latencies, rests, list(memory.measure(bench, relays)))


def _verdict(samples: Samples) -> int:
    faults = samples.faults()
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


def _installed(options: Options) -> Sequence[Relay]:
    chosen = [RELAYS[name] for name in options.relays if name != "direct"]
    for relay in chosen:
        if relay.program() is None:
            sys.stderr.write(f"{relay.name} is left out, for it is not installed: {relay.hint}\n")
    return [relay for relay in chosen if relay.program() is not None]


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


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    relay = parser.add_subparsers(required=True).add_parser("relay", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    relay.add_argument("--relays", type=_names, default="direct,nginx-default,nginx-tuned,packages-alone,streamedit")
    relay.add_argument("--rounds", type=int, default=3, help="turns that every relay gets in every cell")
    relay.add_argument("--seconds", type=float, default=3, help="per relay, cell and round")
    relay.add_argument("--concurrency", type=_numbers, default="1,16,64", help="streams at a time, one cell each")
    relay.add_argument("--piece", type=int, default=16384, help="bytes per HTTP chunk from upstream")
    relay.add_argument("--event-mb", type=float, default=3, help="MiB of base64 in each of the four events")
    relay.add_argument("--stuck-readers", type=int, default=100, help="readers in the memory cells")
    relay.add_argument("--stuck-event-mb", type=float, default=4, help="MiB of base64 that each of them is owed")
    relay.add_argument("--keepalive", action="store_true", help="keep client connections; otherwise one per request")
    relay.add_argument("--json", type=Path, help="write every raw sample to this file")
    return Options(**vars(parser.parse_args()))


def _names(text: str) -> Sequence[str]:
    names = text.split(",")
    unknown = set(names) - {"direct", *RELAYS}
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; there are direct, {', '.join(RELAYS)}")
    return names


def _numbers(text: str) -> Sequence[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
