"""What scripts/evaluate does."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from typing import NoReturn, TypeVar

from scale import page as scale_page
from scale import units
from side_by_side import machine

from . import both, cost, hour, page, published, rows
from .merge import merge
from .runs import BASELINE, OURS, ROOT, Plan, RunError, run_all, run_one, tell

_Amount = TypeVar("_Amount", int, float)

_EPILOG = """\
Figures of the simulated Internet (docs/simulation.md): who measures there is told what a controller
is told, and its paths are compared with the simulation's routing. --baseline runs a planner of reduced
rules beside it (evaluation/baseline.h), for changes to be compared with: it stands for no other system.

Examples:
  scripts/evaluate                       three worlds of 10,000 ASes, about 10 minutes
  scripts/evaluate --quick               one world of 2,000 ASes, less than a minute
  scripts/evaluate --json > figures.json
  scripts/evaluate --worlds 5 --requests 20000
  scripts/evaluate --write               and docs/evaluation.md from it
"""


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/evaluate", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
        description="Accuracy, latency, throughput and cost of reverse traceroutes in the simulated "
                    "Internet, beside RevTr's published figures.")
    parser.add_argument("--quick", action="store_true",
                        help="one world of 2,000 ASes and 40 vantage points, 600 requests")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--worlds", type=int, metavar="N", help="seeds 1 to N (3; quick: 1)")
    parser.add_argument("--requests", type=int, metavar="N", help="in each world (20000; quick: 600)")
    parser.add_argument("--ases", type=int, metavar="N", help="of each world (10000; quick: 2000)")
    parser.add_argument("--vantage-points", type=int, metavar="N", help="of each world (150; quick: 40)")
    parser.add_argument("--sources", type=int, metavar="N",
                        help="vantage points that are measured towards (20; quick: 8)")
    parser.add_argument("--rate", type=float, metavar="N",
                        help="requests a second of simulated time (20; quick: 20)")
    parser.add_argument("--jobs", type=int, metavar="N", help="runs at once (the machine's cores)")
    parser.add_argument("--baseline", action="store_true",
                        help="also a planner of reduced rules, in the same worlds; docs tell nothing of it")
    parser.add_argument("--write", action="store_true",
                        help="write docs/evaluation.md with its plots, and docs/scale.md")
    parser.add_argument("--scale", action="store_true",
                        help="only measure unit costs, and write docs/scale.md of them")
    parser.add_argument("--hour", action="store_true",
                        help="only run an hour of simulated time, and keep docs/evaluation/hour.json of it "
                             "for the page")
    return parser.parse_args(argv)


def _plan(options: argparse.Namespace) -> Plan:
    def choose(given: _Amount | None, full: _Amount, quick: _Amount) -> _Amount:
        return given if given is not None else quick if options.quick else full
    worlds = choose(options.worlds, 3, 1)
    plan = Plan(choose(options.ases, 10_000, 2_000), choose(options.vantage_points, 150, 40),
                tuple(range(1, worlds + 1)), choose(options.sources, 20, 8),
                choose(options.requests, 20_000, 600), choose(options.rate, 20.0, 20.0),
                options.jobs or os.cpu_count() or 1, options.baseline)
    if min(worlds, plan.requests, plan.jobs, plan.sources) < 1 or plan.rate <= 0:
        print("evaluate: --worlds, --requests, --sources, --rate and --jobs must be above 0",
              file=sys.stderr)
        raise SystemExit(2)
    return plan


def _as_json(ours: dict, theirs: dict | None, plan: Plan, described: dict) -> dict:
    def costs(it: dict) -> dict[str, dict]:
        return {f"{revtrs:.0f}": vars(cost.of_day(revtrs, it["probes_per_revtr_warm"],
                                                  plan.vantage_points)) for revtrs in cost.DAYS}
    return {**ours, "cost_a_day": costs(ours),
            **({"baseline": {**theirs, "cost_a_day": costs(theirs)}} if theirs else {}),
            "published": {"as_complete": published.AS_COMPLETE,
                          "as_missing_one": published.AS_MISSING_ONE,
                          "as_wrong": published.AS_WRONG, "in_range": published.IN_RANGE,
                          "revtrs_per_second": published.REVTRS_PER_SECOND,
                          "most_probes_per_revtr": published.MOST_PROBES_PER_REVTR},
            "settings": {**vars(plan), "world_seeds": list(plan.world_seeds)},
            "machine": described}


def _write_scale(plan: Plan) -> str:
    tell("measuring unit costs: the first world, with and without an archive")
    with tempfile.TemporaryDirectory() as folder:
        archived = run_one(plan, "--archive", f"{folder}/archive")
    where = ROOT / "docs/scale.md"
    where.write_text(scale_page.render(units.of_runs(run_one(plan), archived)))
    return str(where.relative_to(ROOT))


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main(argv: list[str]) -> int:
    options = _arguments(argv)
    plan = _plan(options)
    signal.signal(signal.SIGTERM, _stop)  # what was started is ended, as with Ctrl-C
    try:
        if options.scale:
            tell(f"wrote {_write_scale(plan)}")
            return 0
        if options.hour:
            tell(f"wrote {hour.run(plan)}")
            return 0
        by_planner = run_all(plan)
        ours, theirs = merge(by_planner[OURS]), None
        described = machine.describe()
        if plan.has_baseline:
            theirs = merge(by_planner[BASELINE])
            ours["of_both"], theirs["of_both"] = both.compare(by_planner[OURS], by_planner[BASELINE])
        if options.json:
            print(json.dumps(_as_json(ours, theirs, plan, described), indent=1))
        else:
            print(rows.terminal(rows.head(theirs), rows.rows(ours, theirs, plan.vantage_points)))
        if options.write:
            tell(f"wrote {page.write(ours, plan, described)}")
            kept = json.dumps(_as_json(ours, None, plan, described), indent=1)
            (page.FOLDER / "figures.json").write_text(kept + "\n")
            tell(f"wrote {_write_scale(plan)}")
        return 0
    except RunError as error:
        tell(str(error))
        return 1
    except KeyboardInterrupt:
        tell("stopped; nothing is left running")
        return 130
