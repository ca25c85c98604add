"""A few lines over time, and one band, as a small SVG: what an experiment showed at each look. No script."""

from collections.abc import Sequence

from markupsafe import Markup

from cases.moments import from_milliseconds
from daemon.paper import html
from inference.words import figure

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 170, 6, 12, 146
_FREE = 0.08  # of the height, above and below


def chart(
    times: Sequence[int],
    name: str,
    title: str,
    lines: Sequence[tuple[str, Sequence[float]]],
    band: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Markup:
    """The picture with its title.

    times  epoch milliseconds, climbing, at least two; `lines` and `band` (low, high) have a value for each
    name   the picture's own within the page; a line's first part is its class
    """
    every = [value for _, values in lines for value in values] + [value for side in band or () for value in side]
    least, most = min(every), max(every)
    room = (most - least) or max(abs(most), 1.0)
    least, room = least - _FREE * room, room * (1 + 2 * _FREE)

    def x(at: int) -> float:
        return LEFT + (WIDTH - 2 * LEFT) * (at - times[0]) / (times[-1] - times[0])

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - least) / room

    def path(values: Sequence[float], order: Sequence[int]) -> str:
        return "L".join(f"{x(times[place]):.1f} {y(values[place]):.1f}" for place in order)

    forth = range(len(times))
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-t">',
        f'<title id="{name}-t">{title}</title>',
    ]
    if band is not None:
        low, high = band
        parts.append(f'<path class="band" d="M{path(high, forth)}L{path(low, forth[::-1])}Z"/>')
    parts += [f'<path class="{kind}" d="M{path(values, forth)}"/>' for kind, values in lines]
    for value in (most, min(every)):
        parts.append(f'<text x="{LEFT + 2}" y="{y(value) + (-3 if value == most else 11):.0f}">{figure(value)}</text>')
    for at, anchor in ((times[0], "start"), (times[-1], "end")):
        when = f"{from_milliseconds(at):%d %b %H:%M}"
        parts.append(f'<text x="{x(at):.0f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{when}</text>')
    picture = Markup("".join([*parts, "</svg>"]))  # noqa: S704 - our own numbers and words
    return html("<figure><figcaption><b>{}</b></figcaption>{}</figure>", title, picture)
