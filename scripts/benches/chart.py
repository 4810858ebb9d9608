"""The main figures as one SVG, drawn for light and dark pages alike."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from .samples import Samples

_WIDTH, _LABEL_X, _BAR_X, _BAR_END, _VALUE_GAP = 860, 16, 270, 730, 6
_ROW, _BAR, _TITLE, _PANEL_GAP, _GROUP_GAP = 20, 14, 46, 18, 9
_RELAYS = ("nginx-default", "nginx-tuned", "haproxy", "streamedit")
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 14px }
.note, .relay { fill: #59636e }
.value { font-variant-numeric: tabular-nums }
.direct { fill: #d1d9e0 } .nginx-default { fill: #afb8c1 } .nginx-tuned { fill: #818b98 } .haproxy { fill: #59636e }
.streamedit { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .note, .relay { fill: #9198a1 }
  .direct { fill: #30363d } .nginx-default { fill: #484f58 } .nginx-tuned { fill: #6e7681 } .haproxy { fill: #9198a1 }
  .streamedit { fill: #4493f8 }
}
"""


@dataclass(frozen=True)
class _Bar:
    relay: str
    value: float
    text: str


@dataclass(frozen=True)
class _Group:
    name: str
    bars: Sequence[_Bar]


@dataclass(frozen=True)
class _Panel:
    """Groups of bars, less is better; each on a scale of its own unless they `compare`."""

    title: str
    note: str
    groups: Sequence[_Group]
    compare: bool = False

    @property
    def height(self) -> int:
        return _TITLE + sum(_ROW * len(group.bars) + _GROUP_GAP for group in self.groups)

    def largest(self, group: _Group) -> float:
        return max(bar.value for each in (self.groups if self.compare else [group]) for bar in each.bars)


def svg(samples: Samples) -> str:
    """The chart; a panel for which nothing was measured is left out."""
    panels = [panel for panel in (_cpu(samples), _latency(samples), _fairness(samples)) if panel.groups]
    height = sum(panel.height + _PANEL_GAP for panel in panels) + _PANEL_GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *_panels(panels), "</svg>", ""])


def _panels(panels: Sequence[_Panel]) -> Iterator[str]:
    y = _PANEL_GAP
    for panel in panels:
        yield _text(_LABEL_X, y + 14, panel.title, "title")
        yield _text(_LABEL_X, y + 31, panel.note, "note")
        yield from _groups(panel, y + _TITLE)
        y += panel.height + _PANEL_GAP


def _groups(panel: _Panel, y: int) -> Iterator[str]:
    for group in panel.groups:
        yield _text(_LABEL_X, y + 11, group.name)
        for bar in group.bars:
            yield from _bar(bar, panel.largest(group), y)
            y += _ROW
        y += _GROUP_GAP


def _bar(bar: _Bar, largest: float, y: int) -> Iterator[str]:
    width = max((_BAR_END - _BAR_X) * bar.value / largest, 1.5)  # none or less is drawn as a line
    yield _text(_BAR_X - 8, y + 11, bar.relay, "relay", 'text-anchor="end"')
    yield f'<rect class="{bar.relay}" x="{_BAR_X}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
    yield _text(int(_BAR_X + width) + _VALUE_GAP, y + 11, bar.text, "value")


def _text(x: int, y: int, text: str, kind: str = "name", extra: str = "") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" {extra}>{escape(text)}</text>'


def _group(name: str, bars: Iterator[_Bar]) -> Iterator[_Group]:
    """The group of what was measured, if anything was."""
    measured = [bar for bar in bars if not math.isnan(bar.value)]
    if measured:
        yield _Group(name, measured)


def _cpu(samples: Samples) -> _Panel:
    cells = {
        "16 streams at a time": "16 at a time",
        "behind TLS": "upstream behind TLS",
        "1,400-byte pieces": "1,400-byte pieces",
    }
    groups = [group for name, cell in cells.items() for group in _group(name, _cpu_bars(samples, cell))]
    return _Panel(
        "CPU seconds per GB relayed", "four events of 3 MB each, 16 KiB pieces, every byte compared", groups, compare=True
    )


def _cpu_bars(samples: Samples, cell: str) -> Iterator[_Bar]:
    for relay in _RELAYS:
        value = samples.figure("streams", cell, relay, "cpu_s_per_gb")
        yield _Bar(relay, value, f"{value:.2f}")


def _latency(samples: Samples) -> _Panel:
    cells = {"3 MB event": "3 MB event, back to back", "8 KB event": "8 KB event, back to back"}
    groups = [group for name, cell in cells.items() for group in _group(name, _latency_bars(samples, cell))]
    return _Panel(
        "Added latency, ms",
        "until one event is complete, median, nothing else going on; each size on a scale of its own",
        groups,
    )


def _latency_bars(samples: Samples, cell: str) -> Iterator[_Bar]:
    direct_ms = samples.first_ms("latency", cell, "direct", 50)
    for relay in _RELAYS:
        value = samples.first_ms("latency", cell, relay, 50) - direct_ms
        yield _Bar(relay, value, f"{value:.2f}")


def _fairness(samples: Samples) -> _Panel:
    cells = ("64 streams of 1.5 MB/s", "64 unpaced streams")
    groups = [group for cell in cells for group in _group(cell, _fairness_bars(samples, cell))]
    return _Panel(
        "First event of a small edit beside 64 heavy ones, ms",
        "median, and the 99th percentile; each load on a scale of its own",
        groups,
    )


def _fairness_bars(samples: Samples, cell: str) -> Iterator[_Bar]:
    for relay in _RELAYS:
        p50_ms, p99_ms = (samples.first_ms("fairness", cell, relay, percent) for percent in (50, 99))
        yield _Bar(relay, p50_ms, f"{p50_ms:.1f}, p99 {p99_ms:.1f}")
