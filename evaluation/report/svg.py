"""Plots as SVG text, readable on light and on dark ground: what is drawn follows the reader's
preferred scheme."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 68, 68

# One hue a series in each scheme, told apart also by those who do not see red and green; the
# legend and dashes tell them apart in black and white.
_STYLE = """\
  text { font: 13px system-ui, sans-serif; fill: #222 }
  .title { font-size: 15px; font-weight: 600 }
  .axis { stroke: #444 } .grid { stroke: #ccc; stroke-width: 0.7 }
  .line { fill: none; stroke-width: 2.2 }
  .s0 { stroke: #0b62b0 } .s1 { stroke: #b8500a; stroke-dasharray: 7 4 } .s2 { stroke: #555 }
  .b0 { fill: #0b62b0 } .b1 { fill: #d9822b } .b2 { fill: #8a8a8a }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4e4e4 } .axis { stroke: #bbb } .grid { stroke: #4a4a4a }
    .s0 { stroke: #6db3f2 } .s1 { stroke: #f2a65a } .s2 { stroke: #aaa }
    .b0 { fill: #6db3f2 } .b1 { fill: #f2a65a } .b2 { fill: #9a9a9a }
  }
"""


@dataclass(frozen=True)
class Series:
    name: str
    values: list  # of lines: (x, y); of bars: one a group, None for none


def _text(x: float, y: float, words: str, anchor: str = "start", more: str = "") -> str:
    return f'  <text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'  <line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _frame(title: str, about: str, y_label: str, body: list[str]) -> str:
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" role="img">',
            f"  <title>{escape(title)}</title>", f"  <desc>{escape(about)}</desc>",
            f"  <style>\n{_STYLE}  </style>", _text(_LEFT, 22, title, more=' class="title"'),
            _text(16, middle, y_label, "middle", f' transform="rotate(-90 16 {middle:.1f})"')]
    return "\n".join([*head, *body, "</svg>"]) + "\n"


def _legend(series: list[Series], is_line: bool) -> list[str]:
    lines, x = [], float(_LEFT)
    for at, it in enumerate(series):
        if is_line:
            lines.append(f'  <path class="line s{at}" d="M{x:.0f} 40h26"/>')
        else:
            lines.append(f'  <rect class="b{at}" x="{x:.0f}" y="33" width="26" height="12"/>')
        lines.append(_text(x + 32, 44, it.name))
        x += 56 + 7.2 * len(it.name)
    return lines


def _y(share: float) -> float:
    """Of 0..1, where on the paper."""
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _percent_axis() -> list[str]:
    lines = []
    for percent in range(0, 101, 20):
        lines.append(_line(_LEFT, _y(percent / 100), WIDTH - _RIGHT, _y(percent / 100), "grid"))
        lines.append(_text(_LEFT - 8, _y(percent / 100) + 4, str(percent), "end"))
    lines.append(_line(_LEFT, _y(0), _LEFT, _y(1), "axis"))
    lines.append(_line(_LEFT, _y(0), WIDTH - _RIGHT, _y(0), "axis"))
    return lines


def shares_over_log(title: str, about: str, x_label: str, y_label: str,
                    series: list[Series]) -> str:
    """Lines of (x, share of 1), x on a logarithmic axis of whole decades."""
    xs = [x for it in series for x, _ in it.values if x > 0]
    low, high = floor(log10(min(xs))), ceil(log10(max(xs)))
    high = max(high, low + 1)

    def place(x: float) -> float:
        return _LEFT + (log10(x) - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    body = _percent_axis()
    for decade in range(low, high + 1):
        x = place(10.0 ** decade)
        body += [_line(x, _y(0), x, _y(1), "grid"), _text(x, _y(0) + 19, f"{10.0 ** decade:g}", "middle")]
    for at, it in enumerate(series):
        path = "L".join(f"{place(x):.1f} {_y(y):.1f}" for x, y in it.values if x > 0)
        body.append(f'  <path class="line s{at}" d="M{path}"/>')
    body += [_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 12, x_label, "middle"),
             *_legend(series, True)]
    return _frame(title, about, y_label, body)


def share_bars(title: str, about: str, x_label: str, y_label: str, groups: list[str],
               series: list[Series]) -> str:
    """Groups of bars, each a share of 1 with its percentage above it. A comma in a group's name ends a
    line."""
    body = _percent_axis()
    group_width = (WIDTH - _LEFT - _RIGHT) / len(groups)
    bar = group_width * 0.8 / len(series)
    for place, name in enumerate(groups):
        left = _LEFT + place * group_width + group_width * 0.1
        for line, words in enumerate(name.split(", ")):
            body.append(_text(left + group_width * 0.4, _y(0) + 19 + 16 * line, words, "middle"))
        for at, it in enumerate(series):
            value = it.values[place]
            if value is None:
                continue
            x = left + at * bar
            body.append(f'  <rect class="b{at}" x="{x:.1f}" y="{_y(value):.1f}" '
                        f'width="{bar * 0.92:.1f}" height="{_y(0) - _y(value):.1f}"/>')
            body.append(_text(x + bar * 0.46, _y(value) - 4, f"{value * 100:.1f}", "middle",
                              ' style="font-size:11px"'))
    body += [_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 12, x_label, "middle"),
             *_legend(series, False)]
    return _frame(title, about, y_label, body)
