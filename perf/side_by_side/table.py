"""Comparisons as an aligned table, on a terminal or in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from .pairs import Comparison

HEAD = ("figure", "unit", "ours", "beside", "theirs", "ratio", "spread", "target", "met")
_LEFT = (0, 1, 3)  # columns of words


def number(value: float | None) -> str:
    """Three or four digits that count: 0.873, 12.40, 1 234 567. Counts are whole."""
    if value is None:
        return ""
    size = abs(value)
    if size >= 1000 or isinstance(value, int):
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.{1 if size >= 100 else 2 if size >= 10 else 3}f}"


def row(figure: Comparison) -> tuple[str, ...]:
    spread = figure.spread
    target = "" if figure.target is None else f"{'<=' if figure.at_most else '>='} {figure.target:g}"
    met = {None: "", True: "yes", False: "NO"}[figure.is_met]
    return (figure.name, figure.unit, number(median(figure.ours) if figure.ours else None),
            figure.peer_name, number(median(figure.peer) if figure.peer else None),
            number(figure.ratio),
            f"{number(spread[0])} to {number(spread[1])}" if spread and len(figure.judged) > 1 else "",
            target, met)


def _padded(rows: Iterable[Sequence[str]], widths: list[int], join: str,
            left: Sequence[int] = _LEFT) -> Iterator[str]:
    for cells in rows:
        yield join.join(cell.ljust(width) if at in left else cell.rjust(width)
                        for at, (cell, width) in enumerate(zip(cells, widths)))


def terminal(figures: Iterable[Comparison]) -> str:
    rows = [tuple(word.upper() for word in HEAD), *map(row, figures)]
    widths = [max(len(cells[at]) for cells in rows) for at in range(len(HEAD))]
    return "\n".join(line.rstrip() for line in _padded(rows, widths, "  "))


def markdown(head: Sequence[str], rows: Iterable[Iterable[object]],
             left: Sequence[int] = (0,)) -> str:
    table = [tuple(head), *(tuple(map(str, cells)) for cells in rows)]
    widths = [max(len(cells[at]) for cells in table) for at in range(len(head))]
    lines = [f"| {line} |" for line in _padded(table, widths, " | ", left)]
    rule = "|" + "|".join("-" * (width + 1) + ("-" if at in left else ":")
                          for at, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def markdown_of(figures: Iterable[Comparison]) -> str:
    return markdown(HEAD, map(row, figures), _LEFT)
