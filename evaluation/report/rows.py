"""What is told of a run, line by line, beside what is published, and beside a baseline if one was run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from side_by_side.table import number

from . import cost, published

# What the planner of evaluation/baseline.h is called, wherever it is told of.
BASELINE = "baseline of reduced rules"


def head(theirs: dict | None) -> tuple[str, ...]:
    return ("figure", "unit", "backsight", *([BASELINE] if theirs else []), "RevTr 2.0, published")


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.1f}"


def _of_both(ours: dict, theirs: dict | None) -> Iterator[tuple[str, ...]]:
    """The same paths of both: each alone is of other destinations."""
    if theirs is None:
        return
    mine, others = ours["of_both"], theirs["of_both"]
    where = "where both have a path"
    for figure, key in ((f"{where}: AS path complete", "as_complete"),
                        (f"{where}: AS path wrong", "as_wrong"),
                        (f"{where}: hops on the true path", "router_right")):
        yield (figure, "%", _percent(mine[key]), _percent(others[key]), "")


def rows(ours: dict, theirs: dict | None, vantage_points: int) -> list[tuple[str, ...]]:
    """REQUIRES: both as merge() returns them; with `theirs`, both with "of_both" of both.compare()."""
    planners = [it for it in (ours, theirs) if it]

    def line(figure: str, unit: str, key: str, shown: Callable[[float | None], str] = number,
             beside: str = "") -> tuple[str, ...]:
        return (figure, unit, *(shown(it[key]) for it in planners), beside)

    lines = [
        line("AS path complete", "%", "as_complete", _percent, _percent(published.AS_COMPLETE)),
        line("AS path, one AS missing", "%", "as_missing_one", _percent,
             _percent(published.AS_MISSING_ONE)),
        line("AS path, more missing", "%", "as_missing_more", _percent),
        line("AS path wrong", "%", "as_wrong", _percent, _percent(published.AS_WRONG)),
        line("hops on the true path", "%", "router_right", _percent),
        line("true routers shown", "%", "routers_found", _percent),
        *_of_both(ours, theirs),
        line("coverage", "%", "coverage", _percent),
        line("coverage, nothing assumed across ASes", "%", "coverage_measured", _percent,
             f"{_percent(published.IN_RANGE)} (in range)"),
        line("latency, median", "s", "latency_p50_s"),
        line("latency, 90%", "s", "latency_p90_s"),
        line("latency, 99%", "s", "latency_p99_s"),
        line("latency, median, third quarter", "s", "latency_warm_p50_s"),
        line("probes a reverse traceroute", "", "probes_per_revtr", number,
             f"<= {published.MOST_PROBES_PER_REVTR:.0f} (arithmetic)"),
        line("the same, third quarter", "", "probes_per_revtr_warm"),
        line("reverse traceroutes a second of a process, simulation included", "1/s",
             "revtrs_per_second"),
        line("the same, of a core that does nothing else", "1/s", "revtrs_per_cpu_second"),
        line("controller's CPU a reverse traceroute", "ms", "controller_cpu_ms_per_revtr"),
    ]
    for revtrs in cost.DAYS:
        days = [cost.of_day(revtrs, it["probes_per_revtr_warm"], vantage_points)
                for it in planners]
        lines.append((f"{revtrs / 1e6:g} M a day: probes", "10^9", *(number(day.probes / 1e9) for day in days), ""))
        lines.append((f"{revtrs / 1e6:g} M a day: each of {vantage_points} vantage points", "pps",
                      *(number(day.pps_of_each) for day in days),
                      f"{published.VP_PPS_2022} (limit)" if revtrs == published.REVTRS_A_DAY else ""))
    return lines


def terminal(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    table = [tuple(word.upper() for word in head), *lines]
    widths = [max(len(cells[at]) for cells in table) for at in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) if at < 2 else cell.rjust(width)
                               for at, (cell, width) in enumerate(zip(cells, widths))).rstrip()
                     for cells in table)
