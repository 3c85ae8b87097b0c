"""Both planners on the same paths: those of the requests that both reached, world by world."""

from __future__ import annotations

_COMPLETE, _WRONG = 0, 3  # as backsight-evaluate numbers what it says of ASes


def _scores(paths: list[list[int]]) -> dict:
    """Of paths as backsight-evaluate tells each."""
    right, wrong = (sum(path[at] for path in paths) for at in (1, 2))
    ases = [path[3] for path in paths]
    def share(of: int) -> float | None:
        return ases.count(of) / len(ases) if ases else None
    return {"paths": len(paths), "router_right": right / (right + wrong) if right + wrong else None,
            "as_complete": share(_COMPLETE), "as_wrong": share(_WRONG)}


def compare(ours: list[dict], theirs: list[dict]) -> tuple[dict, dict]:
    """What is right of ours and of theirs, where each has a path without symmetry across ASes."""
    mine, others = [], []
    for run, other in zip(ours, theirs, strict=True):
        by_request = {path[0]: path for path in other["each"] if path[4]}
        for path in run["each"]:
            if path[4] and path[0] in by_request:
                mine.append(path)
                others.append(by_request[path[0]])
    return _scores(mine), _scores(others)
