"""The matrix as a picture: SVG that reads without colour, in light and in dark."""

from __future__ import annotations

from markupsafe import Markup, escape

from mirabench.attacks.cells import Cell, cells, headline
from mirabench.attacks.model import AttackReport, MetricRecord, Verdict

CELL_WIDTH, CELL_HEIGHT = 34, 20
LEFT, TOP = 170, 212
KIND_GAP = 12

_STYLE = """
svg{--paper:#fff;--ink:#1b1f24;--quiet:#6b7280;--line:#e3e6ea;--good:#0a6ea8;--bad:#b3400a;--warn:#8a6200}
@media (prefers-color-scheme:dark){svg{--paper:#14171b;--ink:#e8eaed;--quiet:#9aa3ad;--line:#2b3138;
--good:#62b5ea;--bad:#ff8f57;--warn:#e3b341}}
text{font:12px system-ui,sans-serif;fill:var(--ink)}
.quiet{fill:var(--quiet)}.head{font-weight:600}.line{stroke:var(--line)}
.caught{fill:none;stroke:var(--good);stroke-width:2.2}
.stays{fill:none;stroke:var(--quiet);stroke-width:1.6}
.fooled{fill:var(--bad)}.fooled path{fill:none;stroke:var(--paper);stroke-width:2}
.moved{fill:none;stroke:var(--warn);stroke-width:2.2}
.failed{fill:var(--warn)}.na{fill:var(--quiet)}
""".strip()

LEGEND: tuple[tuple[Verdict, str], ...] = (
    ("caught", "caught"),
    ("stays", "stays"),
    ("fooled", "fooled (clips)"),
    ("moved", "moved (clips)"),
    ("failed", "failed"),
    ("not applicable", "not applicable"),
    ("undeclared", "empty: nothing declared"),
)


def matrix_svg(report: AttackReport) -> str:
    """Attacks down, metrics across, one sign per cell."""
    metrics = [m for m in report.metrics if not m.skipped]
    found = cells(report)
    rows, y, kind = [], TOP, ""
    for attack in report.attacks:
        if attack.kind != kind:
            kind = attack.kind
            y += KIND_GAP
            rows.append(_line(y - KIND_GAP / 2, len(metrics)))
        rows.append(_text(LEFT - 8, y + 14, attack.name, "end"))
        for i, metric in enumerate(metrics):
            cell = found.get((attack.name, metric.name))
            if cell is not None:
                label = f"{attack.name}, {metric.name}: {cell.verdict}"
                rows.append(_cell(cell, LEFT + i * CELL_WIDTH, y, label))
        y += CELL_HEIGHT
    width, height = LEFT + len(metrics) * CELL_WIDTH + 100, y + 12
    said = "Attacks against metrics: " + headline(report)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(said)}"><style>{_STYLE}</style>'
        f'<rect width="{width}" height="{height}" style="fill:var(--paper)"/>'
        f"{_legend()}{_heads(metrics)}{''.join(rows)}</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    shown = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{shown}>{escape(text)}</text>'


def _line(y: float, columns: int) -> str:
    right = LEFT + columns * CELL_WIDTH
    return f'<line class="line" x1="12" x2="{right}" y1="{y:g}" y2="{y:g}"/>'


def _legend() -> str:
    parts = []
    for i, (verdict, label) in enumerate(LEGEND):
        y = 12 + i * CELL_HEIGHT
        parts.append(_cell(Cell(verdict, 1, 1), 8, y, label))
        parts.append(_text(44, y + 14, label, kind="quiet"))
    return "".join(parts)


def _heads(metrics: list[MetricRecord]) -> str:
    parts = []
    for i, metric in enumerate(metrics):
        x = LEFT + (i + 0.5) * CELL_WIDTH + 4
        turned = f'transform="rotate(-58 {x:g} {TOP - 4})"'
        parts.append(f'<text x="{x:g}" y="{TOP - 4}" {turned}>{escape(metric.name)}</text>')
    return "".join(parts)


def _cell(cell: Cell, x: float, y: float, label: str) -> str:
    cx, cy = x + CELL_WIDTH / 2, y + CELL_HEIGHT / 2
    sign = _SIGNS.get(cell.verdict, "").format(x=cx, y=cy)
    some = cell.verdict in ("fooled", "moved", "failed") and cell.clips != cell.judged
    count = _text(cx + 9, cy + 4, f"{cell.clips}/{cell.judged}", kind="quiet") if some else ""
    if some:
        sign = f'<g transform="translate(-8 0)">{sign}</g>'
        count = count.replace("<text ", '<text style="font-size:9px" ', 1).replace(
            f'x="{cx + 9:g}"', f'x="{cx + 1:g}"'
        )
    return Markup(f"<g><title>{escape(label)}</title>{sign}{count}</g>") if sign else ""


_SIGNS: dict[Verdict, str] = {
    "caught": '<path class="caught" transform="translate({x} {y})" d="M-6 0l4 5 8-10"/>',
    "stays": '<path class="stays" transform="translate({x} {y})" d="M-5-2.5h10M-5 2.5h10"/>',
    "fooled": '<g class="fooled" transform="translate({x} {y})"><rect x="-8" y="-8" width="16" '
    'height="16" rx="2"/><path d="M-4-4l8 8M-4 4l8-8"/></g>',
    "moved": '<path class="moved" transform="translate({x} {y})" d="M-7 3q3.5-9 7-3t7-3"/>',
    "failed": '<path class="failed" transform="translate({x} {y})" d="M0-8l8 15h-16z"/>',
    "not applicable": '<circle class="na" cx="{x}" cy="{y}" r="1.8"/>',
}
"""A check, an equals sign, a cross on a filled square, a wave, a triangle, a dot: shapes first."""
