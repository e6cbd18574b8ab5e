"""Draw what the prompt set covers, from the CSV itself: `python docs/prompt_coverage.py [--check]`.

Writes `prompt-coverage.svg` (scenes against tags) and `prompt-lengths.svg` (words in each caption and
form) beside this file; `--check` writes nothing and fails when a picture is stale.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
PROMPTS = HERE.parent / "prompts" / "mirabench-v2.csv"

Scene = dict[str, str]

TAGS = {
    "camera_moves": (
        "static", "pan-left", "pan-right", "tilt-up", "tilt-down", "zoom-in", "zoom-out",
        "dolly-in", "dolly-out", "truck-left", "truck-right", "pedestal-up", "pedestal-down",
        "roll", "orbit", "tracking", "handheld",
    ),
    "motion": ("low", "medium", "high"),
    "setting": ("indoor", "outdoor"),
    "time_of_day": ("dawn", "day", "dusk", "night"),
    "style": ("real", "rendered", "painted"),
}  # fmt: skip
COLOURS = {
    "human": "#c2553d",
    "animal": "#3d7ea6",
    "object": "#8a6d3b",
    "landscape": "#4c8c4a",
}
CAPTIONS = ("short", "dense", "main_object", "background", "style", "camera")
INK, FAINT = "#333333", "#e4e4e4"


def read_scenes(path: Path = PROMPTS) -> list[Scene]:
    """The rows of the prompt set."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def _text(x: float, y: float, content: object, *, size: int = 9, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" {more}>{escape(str(content))}</text>'


def _svg(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="sans-serif" fill="{INK}" role="img">'
        f"<title>{escape(title)}</title>"
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>'
    )
    return "\n".join([head, *parts, "</svg>", ""])


def coverage_svg(scenes: Sequence[Scene]) -> str:
    """A row for each scene, a column for each tag, a square where the scene has it, and totals."""
    left, top, cell, gap = 92.0, 88.0, 11.0, 12.0
    parts: list[str] = []
    bottom = top + cell * len(scenes)
    for row, scene in enumerate(scenes):
        y = top + cell * row
        colour = COLOURS[scene["category"]]
        parts.append(
            _text(left - 6, y + 8.5, scene["id"], more=f'text-anchor="end" fill="{colour}"')
        )
    x = left
    for column, values in TAGS.items():
        parts.append(_text(x, 12, column.replace("_", " "), size=10, more='font-weight="bold"'))
        for value in values:
            parts += _coverage_column(scenes, column, value, x, top, cell)
            x += cell
        # a short group still needs room for its heading
        x += max(gap, 62 - cell * len(values))
    parts.append(_text(left - 6, bottom + 14, "scenes", more='text-anchor="end"'))
    return _svg(x + 8, bottom + 24, f"Which of {len(scenes)} scenes has which tag", parts)


def _coverage_column(
    scenes: Sequence[Scene], column: str, value: str, x: float, top: float, cell: float
) -> list[str]:
    side = cell - 1.5
    marks: dict[str, list[str]] = {}
    for row, scene in enumerate(scenes):
        has = value in scene[column].split(";")
        colour = COLOURS[scene["category"]] if has else FAINT
        square = f"M{x:g} {top + cell * row:g}h{side:g}v{side:g}h-{side:g}z"
        marks.setdefault(colour, []).append(square)
    bottom = top + cell * len(scenes)
    count = sum(len(squares) for colour, squares in marks.items() if colour != FAINT)
    return [
        f'<g transform="translate({x + 8:g} {top - 5:g}) rotate(-60)">{_text(0, 0, value)}</g>',
        *(f'<path d="{"".join(squares)}" fill="{colour}"/>' for colour, squares in marks.items()),
        _text(x + 4.7, bottom + 14, count, size=8, more='text-anchor="middle"'),
    ]


def lengths_svg(scenes: Sequence[Scene]) -> str:
    """A histogram of the words in each kind of caption and each form of prompt."""
    panels = {f"{name.replace('_', ' ')} caption": _words(scenes, [name]) for name in CAPTIONS}
    panels["structured form (all six)"] = [
        n + len([w for c in CAPTIONS for w in c.split("_")]) for n in _words(scenes, CAPTIONS)
    ]
    width, height, columns = 300.0, 118.0, 2
    parts = []
    for number, (name, counts) in enumerate(panels.items()):
        x, y = width * (number % columns), height * (number // columns)
        parts.append(f'<g transform="translate({x:g} {y:g})">{_histogram(name, counts)}</g>')
    rows = -(-len(panels) // columns)
    return _svg(columns * width, rows * height + 6, "Words in captions and prompts", parts)


def _words(scenes: Sequence[Scene], captions: Sequence[str]) -> list[int]:
    return [sum(len(scene[f"{c}_caption"].split()) for c in captions) for scene in scenes]


def _histogram(name: str, counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    found = Counter(counts)
    step = 250 / (high - low + 1)
    tall = max(found.values())
    parts = [
        _text(
            24, 16, f"{name}: {low} to {high} words, mean {sum(counts) / len(counts):.1f}", size=11
        )
    ]
    for words in range(low, high + 1):
        h = 66 * found[words] / tall
        x = 24 + step * (words - low)
        parts.append(
            f'<rect x="{x:.1f}" y="{92 - h:.1f}" width="{max(1.0, step - 1):.1f}" height="{h:.1f}" '
            f'fill="{COLOURS["animal"]}"/>'
        )
    parts += [
        f'<path d="M24 92.5H274" stroke="{INK}" stroke-width="0.7"/>',
        _text(24, 105, low),
        _text(274, 105, high, more='text-anchor="end"'),
        _text(20, 32, tall, more='text-anchor="end"'),
    ]
    return "".join(parts)


def pictures() -> dict[str, str]:
    """File name -> SVG."""
    scenes = read_scenes()
    return {"prompt-coverage.svg": coverage_svg(scenes), "prompt-lengths.svg": lengths_svg(scenes)}


def main(arguments: Sequence[str]) -> int:
    """Write the pictures, or check them; the exit code."""
    stale = []
    for name, svg in pictures().items():
        path = HERE / name
        if "--check" in arguments:
            if not path.exists() or path.read_text(encoding="utf-8") != svg:
                stale.append(name)
        else:
            path.write_text(svg, encoding="utf-8", newline="\n")
    if stale:
        sys.stderr.write(f"stale: {', '.join(stale)}; run python docs/prompt_coverage.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
