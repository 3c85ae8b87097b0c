"""An hour of simulated time in one run: what stays the same in it, and what must not grow."""

from __future__ import annotations

import json
from dataclasses import replace
from textwrap import fill

from side_by_side.table import markdown, number

from .runs import ROOT, Plan, run_one

KEPT = ROOT / "docs/evaluation/hour.json"
REQUESTS, RATE = 200_000, 55.5


def run(plan: Plan) -> str:
    """Runs it, and keeps what the page tells of it."""
    said = run_one(replace(plan, requests=REQUESTS, rate=RATE))
    keep(said)
    return str(KEPT.relative_to(ROOT))


def keep(said: dict) -> None:
    KEPT.parent.mkdir(exist_ok=True)
    without = {key: value for key, value in said.items() if key != "latency_histogram"}
    KEPT.write_text(json.dumps(without, indent=1) + "\n")


def section(said: dict) -> str:
    rows = []
    for at, (part, machine) in enumerate(zip(said["parts"], said["machine"]["parts"])):
        rows.append((number(at + 1), number(part["requests"]), number(part["simulated_s"]),
                     number(part["latency_p50_s"]), number(part["latency_p90_s"]),
                     number(part["probes_per_revtr"]), number(machine["resident_mib"]),
                     number(machine["revtrs_per_second"])))
    machine = said["machine"]
    head = ("quarter", "requests", "simulated, s", "median, s", "90%, s", "probes", "MiB at its end",
            "1/s on the clock")
    words = (f"`scripts/evaluate --hour`: {number(said['requests'])} requests in one world of "
             f"{number(said['ases'])} ASes, {said['requests_per_second']:g} a second, in quarters. Memory is the "
             "whole process's, with the simulation and the answers that are kept, a million at most. It worked "
             f"{number(machine['cpu_s'])} s of CPU: {number(machine['revtrs_per_cpu_second'])} reverse "
             "traceroutes a second of one core with every packet of theirs simulated; the controller's own "
             f"part is {machine['controller_cpu_ms_per_revtr']:.2f} ms of each. On the clock other programs "
             "had their part of the cores.")
    return f"## An hour\n\n{fill(words, 108)}\n\n{markdown(head, rows)}\n\n"
