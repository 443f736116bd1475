"""Charts of a simulated day: block characters for a terminal, and SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape

from .report import ReportRow

Clock = Callable[[int], str]
WIDTH, HEIGHT = 72, 12
SVG_WIDTH, SVG_HEIGHT, MARGIN, BAR = 960, 320, 56, 14
MOST_POINTS = 1_500
STYLE = (
    "text{font:12px sans-serif;fill:#555}.power{fill:#4a7ebb}.base{fill:#f2b134;opacity:.55}"
    ".asked{stroke:#c0392b;stroke-width:1.5;fill:none;stroke-dasharray:5 3}.held{fill:#c0392b}"
    ".grid{stroke:#ccc;stroke-width:.5}@media(prefers-color-scheme:dark){text{fill:#bbb}}"
)


def blocks(lines: Sequence[ReportRow], clock: Clock) -> str:
    """Power as full blocks, shed load as light blocks above it, and when an event is active."""
    columns = _columns(lines, WIDTH)
    top_w = max((line.base_w for line in columns), default=0) or 1
    rows = []
    for row in range(HEIGHT, 0, -1):
        least_w = top_w * (row - 0.5) / HEIGHT
        cells = (
            "█" if c.power_w >= least_w else "░" if c.base_w >= least_w else " " for c in columns
        )
        rows.append(f"{top_w * row / HEIGHT / 1000:6.1f} kW ┤{''.join(cells)}")
    asked_row = "".join("▔" if column.asked_w else " " for column in columns)
    left, right = clock(columns[0].ms), clock(columns[-1].ms)
    return "\n".join(
        [*rows, f"    asked  {asked_row}", f"{'':11}{left}{right:>{WIDTH - len(left)}}"]
    )


def svg(lines: Sequence[ReportRow], circuits: Sequence[str], clock: Clock) -> str:
    """The same as SVG, with bars for each circuit that was held."""
    points = _columns(lines, MOST_POINTS)
    gave = [id for id in circuits if any(id in line.held for line in lines)]
    height = SVG_HEIGHT + 2 * MARGIN + len(gave) * (BAR + 6)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SVG_WIDTH + 2 * MARGIN} {height}">',
        f"<title>Power and shed load</title><style>{STYLE}</style>",
        *_power(points, clock),
        *_bars(lines, gave),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _power(points: Sequence[ReportRow], clock: Clock) -> Iterator[str]:
    top_w = max((point.base_w for point in points), default=0) or 1
    span_ms = max(1, points[-1].ms - points[0].ms)

    def place(ms: int, watts: float) -> str:
        x = MARGIN + SVG_WIDTH * (ms - points[0].ms) / span_ms
        return f"{x:.1f},{MARGIN + SVG_HEIGHT * (1 - watts / top_w):.1f}"

    for part in range(5):
        watts, y = top_w * part / 4, MARGIN + SVG_HEIGHT * (1 - part / 4)
        yield f'<path class="grid" d="M{MARGIN},{y:.1f}h{SVG_WIDTH}"/>'
        yield f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{watts / 1000:.1f}</text>'
        ms, x = points[0].ms + span_ms * part // 4, MARGIN + SVG_WIDTH * part / 4
        y = MARGIN + SVG_HEIGHT + 18
        yield f'<text x="{x:.0f}" y="{y}" text-anchor="middle">{clock(ms)}</text>'
    title = "kW drawn, shed (light) and requested (dashed)"
    yield f'<text x="{MARGIN}" y="{MARGIN - 12}">{title}</text>'
    ends = f"{place(points[-1].ms, 0)} {place(points[0].ms, 0)}"
    base = " ".join(place(point.ms, point.base_w) for point in points)
    power = " ".join(place(point.ms, point.power_w) for point in points)
    yield f'<polygon class="base" points="{base} {ends}"/>'
    yield f'<polygon class="power" points="{power} {ends}"/>'
    asked_points = " ".join(place(p.ms, max(0, p.base_w - p.asked_w)) for p in points)
    yield f'<polyline class="asked" points="{asked_points}"/>'


def _bars(lines: Sequence[ReportRow], gave: Sequence[str]) -> Iterator[str]:
    """For each circuit, bars over the times in which it was held."""
    first_ms, span_ms = lines[0].ms, max(1, lines[-1].ms - lines[0].ms)
    for index, id in enumerate(gave):
        y = MARGIN + SVG_HEIGHT + 34 + index * (BAR + 6)
        yield f'<text x="{MARGIN - 6}" y="{y + 11}" text-anchor="end">{escape(id)}</text>'
        for from_ms, to_ms in _spells(lines, id):
            x = MARGIN + SVG_WIDTH * (from_ms - first_ms) / span_ms
            wide = max(1.0, SVG_WIDTH * (to_ms - from_ms) / span_ms)
            yield f'<rect class="held" x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{BAR}"/>'


def _spells(lines: Sequence[ReportRow], id: str) -> Iterator[tuple[int, int]]:
    since_ms: int | None = None
    for line in lines:
        if id in line.held and since_ms is None:
            since_ms = line.ms
        elif id not in line.held and since_ms is not None:
            yield since_ms, line.ms
            since_ms = None
    if since_ms is not None:
        yield since_ms, lines[-1].ms


def _columns(lines: Sequence[ReportRow], most: int) -> list[ReportRow]:
    """At most `most` lines, evenly spread; of each stretch the last, or one with an event."""
    if len(lines) <= most:
        return list(lines)
    first_ms, span_ms = lines[0].ms, max(1, lines[-1].ms - lines[0].ms)
    chosen: dict[int, ReportRow] = {}
    for line in lines:
        column = min(most - 1, (line.ms - first_ms) * most // span_ms)
        known = chosen.get(column)
        if known is None or line.asked_w or not known.asked_w:
            chosen[column] = line
    return [chosen[column] for column in sorted(chosen)]
