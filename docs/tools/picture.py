"""A picture is a recording as an SVG that moves: each row of a terminal is one text, shown while it stood there.

`python -m docs.tools.picture` draws `docs/pictures/two-terminals.svg` of the recording beside it; a test draws it again
and compares. The picture has no script and loads nothing. Where motion is not wanted it shows how it ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import pyte

PICTURES = Path(__file__).resolve().parents[1] / "pictures"
CELL, LINE = 7.8, 18
"""Width and height of a character, in pixels."""
MARGIN, TITLE = 14, 30
"""Pixels around a terminal's text, and above it for its title."""
LONGEST_PAUSE = 1.2
"""Seconds for which nothing happens, at most: programs start more slowly than people want to watch."""
REST = 5.0
"""Seconds for which the end is shown before it begins again."""
FRAME = 0.05
"""Seconds within which changes are one."""
COLOURS = {"default": "#d6deeb", "cyan": "#7fdbca", "blue": "#82aaff", "green": "#addb67", "brown": "#ecc48d"}
COLOURS |= {"red": "#ef5350", "magenta": "#c792ea", "white": "#ffffff", "black": "#575656"}
STYLE = """text{font:13px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.t{fill:#8a96a8}.b{font-weight:bold}.i{font-style:italic}"""


class Shown(NamedTuple):
    """One row, and when it stood there."""

    pane: int
    row: int
    text: str
    """As SVG."""
    start: float
    end: float


def draw(recording: dict[str, Any]) -> str:
    """Return the picture of a recording."""
    columns, rows, panes = recording["columns"], recording["rows"], recording["panes"]
    wide, high = columns * CELL + 2 * MARGIN, rows * LINE + MARGIN + TITLE
    shown, length = _shown(recording)
    times = sorted({(row.start, row.end) for row in shown})
    names = {time: f"k{n}" for n, time in enumerate(times)}
    width = len(panes) * wide + (len(panes) - 1) * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {high:g}" role="img">',
        "<title>Two terminals: words are seen while they are typed, and a link that is cut comes back</title>",
        f"<style>{STYLE}",
        *_rules(names, length),
        "</style>",
    ]
    for n, name in enumerate(panes):
        x = n * (wide + MARGIN)
        out += [
            f'<rect x="{x:g}" width="{wide:g}" height="{high:g}" rx="8" fill="#011627"/>',
            f'<text class="t" x="{x + MARGIN:g}" y="20">{escape(name)}</text>',
        ]
    for row in shown:
        x, y = row.pane * (wide + MARGIN) + MARGIN, TITLE + (row.row + 1) * LINE - 5
        out.append(f'<g class="{names[row.start, row.end]}" transform="translate({x:g} {y:g})">{row.text}</g>')
    return "\n".join([*out, "</svg>", ""])


def _rules(names: dict[tuple[float, float], str], length: float) -> Iterator[str]:
    """Yield the style of each span of time."""
    for (start, end), name in names.items():
        first, last = (f"{100 * when / length:.2f}%" for when in (start, end))
        stands = end >= length
        frames = "" if start == 0 else "0%{visibility:hidden}"
        frames += f"{first}{{visibility:visible}}" + ("" if stands else f"{last}{{visibility:hidden}}")
        yield f"@keyframes {name}{{{frames}}}"
        still = "visible" if stands else "hidden"
        yield f".{name}{{visibility:{still};animation:{name} {length:g}s step-end infinite}}"
    yield "@media(prefers-reduced-motion:reduce){g{animation:none!important}}"


def _shown(recording: dict[str, Any]) -> tuple[list[Shown], float]:
    """Return all rows that ever stood there, and how long it takes."""
    screens = [pyte.Screen(recording["columns"], recording["rows"]) for _ in recording["panes"]]
    streams = [pyte.Stream(screen) for screen in screens]
    standing: dict[tuple[int, int], tuple[str, float]] = {}
    found: list[Shown] = []
    now = 0.0
    for now, pieces in _frames(recording["events"]):
        for pane, piece in pieces:
            streams[pane].feed(piece)
        for pane, screen in enumerate(screens):
            for row in range(screen.lines):
                text = _text(screen, row)
                old, since = standing.get((pane, row), ("", now))
                if text != old:
                    if old:
                        found.append(Shown(pane, row, old, since, now))
                    standing[pane, row] = (text, now)
    length = round(now + REST, 2)
    found += [Shown(pane, row, text, since, length) for (pane, row), (text, since) in standing.items() if text]
    return found, length


def _frames(events: list[tuple[float, int, str]]) -> Iterator[tuple[float, list[tuple[int, str]]]]:
    """Yield when something changed and what was written then, with long pauses made short."""
    now, last, pieces = 0.0, 0.0, list[tuple[int, str]]()
    for when, pane, piece in events:
        if when - last > FRAME and pieces:
            yield round(now, 2), pieces
            now += min(when - last, LONGEST_PAUSE)
            last, pieces = when, []
        elif not pieces:
            last = when
        pieces.append((pane, piece))
    yield round(now, 2), pieces


def _text(screen: pyte.Screen, row: int) -> str:
    """Return a row as SVG; empty where nothing is written."""
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    runs: list[tuple[int, str, str]] = []
    for column, cell in enumerate(cells):
        names = " ".join(name for name, on in (("b", cell.bold), ("i", cell.italics)) if on)
        look = f' fill="{COLOURS.get(cell.fg, COLOURS["default"])}"' + (f' class="{names}"' if names else "")
        if runs and runs[-1][2] == look:
            runs[-1] = (runs[-1][0], runs[-1][1] + cell.data, look)
        else:
            runs.append((column, cell.data, look))
    return "".join(
        f'<text x="{start * CELL:g}" textLength="{len(text.rstrip()) * CELL:g}"{look}>{escape(text.rstrip())}</text>'
        for start, text, look in runs
        if text.strip()
    )


if __name__ == "__main__":
    recording = json.loads((PICTURES / "two-terminals.json").read_text())
    (PICTURES / "two-terminals.svg").write_text(draw(recording))
