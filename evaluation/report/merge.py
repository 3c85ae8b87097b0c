"""The runs of one planner in several worlds as one: counts are added, shares computed anew."""

from __future__ import annotations

from typing import Any

AS_COUNTS = ("paths", "complete", "missing_one", "missing_more", "wrong")


def _share(part: float, of: float) -> float | None:
    return part / of if of else None


def _sum(runs: list[dict], *keys: str) -> float:
    total: float = 0
    for run in runs:
        value: Any = run
        for key in keys:
            value = value[key]
        total += value
    return total


def quantile(steps: list[list[float]], wanted: float) -> float:
    """Of a histogram of [upper bound, count], ascending: the middle of the step it lies in."""
    total = sum(count for _, count in steps)
    seen: float = 0
    for upper, count in steps:
        seen += count
        if seen >= wanted * total and seen > 0:
            return upper / 1.02 ** 0.5
    return 0.0


def _histograms(runs: list[dict]) -> list[list[float]]:
    counts: dict[float, int] = {}
    for run in runs:
        for upper, count in run["latency_histogram"]:
            counts[upper] = counts.get(upper, 0) + count
    return [[upper, counts[upper]] for upper in sorted(counts)]


def _hops(runs: list[dict]) -> dict[str, dict]:
    merged: dict[str, dict] = {}
    for run in runs:
        for kind, score in run["hops_by_type"].items():
            into = merged.setdefault(kind, {"right": 0, "wrong": 0, "unknown": 0})
            for key in into:
                into[key] += score[key]
    for score in merged.values():
        score["share_right"] = _share(score["right"], score["right"] + score["wrong"])
    return dict(sorted(merged.items(), key=lambda it: int(it[0])))


def _failures(runs: list[dict]) -> dict[str, int]:
    merged: dict[str, int] = {}
    for run in runs:
        for reason, count in run["failures"].items():
            merged[reason] = merged.get(reason, 0) + count
    return dict(sorted(merged.items(), key=lambda it: -it[1]))


def _warm(runs: list[dict], key: str) -> float:
    """Of the third quarters, in the mean: what the first half learnt is there, and as much was under
    way when they began as when they ended."""
    return sum(run["parts"][2][key] for run in runs) / len(runs)


def merge(runs: list[dict]) -> dict:
    requests, reached, packets = (_sum(runs, key) for key in ("requests", "reached", "packets"))
    ases = {key: _sum(runs, "as_of_measured", key) for key in AS_COUNTS}
    steps = _histograms(runs)
    hops = _hops(runs)
    right = sum(score["right"] for score in hops.values())
    judged = right + sum(score["wrong"] for score in hops.values())
    wall, cpu = _sum(runs, "machine", "wall_s"), _sum(runs, "machine", "cpu_s")
    controller_ms = sum(run["machine"]["controller_cpu_ms_per_revtr"] * run["requests"]
                        for run in runs) / requests
    return {
        "planner": runs[0]["planner"],
        "as_complete": _share(ases["complete"], ases["paths"]),
        "as_missing_one": _share(ases["missing_one"], ases["paths"]),
        "as_missing_more": _share(ases["missing_more"], ases["paths"]),
        "as_wrong": _share(ases["wrong"], ases["paths"]),
        "router_right": _share(right, judged),
        "routers_found": _share(_sum(runs, "routers_found"), _sum(runs, "routers")),
        "coverage": _share(reached, requests),
        "coverage_measured": _share(_sum(runs, "measured"), requests),
        "latency_p50_s": quantile(steps, 0.5),
        "latency_p90_s": quantile(steps, 0.9),
        "latency_p99_s": quantile(steps, 0.99),
        "latency_warm_p50_s": _warm(runs, "latency_p50_s"),
        "probes_per_revtr": packets / requests,
        "probes_per_revtr_warm": _warm(runs, "probes_per_revtr"),
        "revtrs_per_second": requests / wall,
        "revtrs_per_cpu_second": requests / cpu,
        "controller_cpu_ms_per_revtr": controller_ms,
        "peak_mib": max(run["machine"]["peak_mib"] for run in runs),
        "requests": requests,
        "destination_ases": _sum(runs, "destination_ases"),
        "as_of_measured": ases,
        "as_of_measured_strict": {key: _sum(runs, "as_of_measured_strict", key)
                                  for key in AS_COUNTS},
        "as_of_all": {key: _sum(runs, "as_of_all", key) for key in AS_COUNTS},
        "hops_by_type": hops,
        "failures": _failures(runs),
        "latency_histogram": steps,
        "worlds": [{key: run[key] for key in
                    ("world_seed", "requests", "as_complete", "as_missing_one", "as_wrong",
                     "router_right", "coverage", "coverage_measured", "latency_p50_s",
                     "latency_p90_s", "probes_per_revtr")} for run in runs],
    }
