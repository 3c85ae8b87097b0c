"""The plots of docs/evaluation.md, by file name."""

from __future__ import annotations

from . import published, svg

NAME = "Backsight"
# Hop types (docs/formats.md) in the order of how they are found.
TYPES = {"5": "RR", "6": "spoofed RR", "3": "atlas", "4": "atlas, by RR", "11": "assumed, same AS",
         "12": "assumed, other AS"}


def _cumulative(it: dict) -> list[tuple[float, float]]:
    """Of all requests, answered within so many seconds: what failed is never answered."""
    seen, points = 0, []
    for upper, count in it["latency_histogram"]:
        seen += count
        points.append((upper, seen / it["requests"]))
    return points


def _of_type(it: dict, kind: str) -> float | None:
    return it["hops_by_type"].get(kind, {}).get("share_right")


def all_of(it: dict) -> dict[str, str]:
    as_keys = ("as_complete", "as_missing_one", "as_missing_more", "as_wrong")
    said = [published.AS_COMPLETE, published.AS_MISSING_ONE, None, published.AS_WRONG]
    kinds = [kind for kind in TYPES if _of_type(it, kind) is not None]
    return {
        "latency.svg": svg.shares_over_log(
            "Answered within", "Share of all requests that were answered within a time.",
            "seconds of simulated time after the request", "% of requests",
            [svg.Series(NAME, _cumulative(it))]),
        "as-level.svg": svg.share_bars(
            "AS paths, of those with nothing assumed across ASes",
            "Shares of AS paths that are complete, lack ASes or are wrong.", "AS path",
            "% of paths", ["complete", "one missing", "more missing", "wrong"],
            [svg.Series(NAME, [it[key] for key in as_keys]), svg.Series("RevTr 2.0, published", said)]),
        "hops.svg": svg.share_bars(
            "Hops whose router is on the true path, by how they were found",
            "Share of hops that are right, by hop type.", "found by",
            "% of hops", [TYPES[kind] for kind in kinds],
            [svg.Series(NAME, [_of_type(it, kind) for kind in kinds])]),
    }
