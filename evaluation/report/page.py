"""docs/evaluation.md and its figures, from what a run found."""

from __future__ import annotations

import json
from textwrap import fill

from side_by_side.table import markdown, number

from . import cost, hour, plots, published, rows
from .runs import ROOT, Plan

PAGE = ROOT / "docs/evaluation.md"
FOLDER = ROOT / "docs/evaluation"

_INTRO = """\
# Evaluation

Written by `scripts/evaluate --write` from one run; do not edit. Reverse traceroutes through the simulated
Internet ([simulation.md](simulation.md)), whose routes are known for every pair of addresses, as the
controller plans them.

**Published** figures are of the Internet of 2022 and 2023, compared with traceroutes from hosts of known
users. They are beside ours to be read, not to be subtracted: the simulation is not that Internet, and no
other system was run in it.

"""

_SAYS = """\
## What the figures say, and what they do not

- **AS paths** are compared with what a traceroute from the destination would show, as the published
  comparison is made. All addresses are looked up in the same tables: announced prefixes, and a list of who
  is at exchanges; here both are without gaps, which outside they are not. Paths with a symmetry assumed
  across ASes (hop type 12) are not among them; {wrong_all} of all paths, with those, have a wrong AS.
- **Strictly**, against every AS that the path is in, also those of which no address tells: complete
  {strict}.
- **Coverage** is of destinations that answer pings and Record Route. Published is that 63% of those are in
  range of a vantage point; a path can be whole without that, through the atlas or an assumption.
- **Vantage points** are the engine's own worker on simulated time, with the limits that a vantage point has
  unless its config says otherwise: 10 packets a second to a destination, hops of a traceroute to it
  included, and 100 to a /24; and {vp_pps} in all. Admission alone is left out.
- **Latency** counts from the request to the whole path, on simulated time: distances are those of cities,
  each way between controller and vantage point takes 15 ms, and a vantage point gathers results for 20 ms.
  A traceroute takes its part mostly by the limit to a destination. Not in it: what a controller's disk and
  its clients cost. A first request for a prefix waits
  for its survey; the third quarter of a run finds more of them made. No latency of RevTr 2.0 is quoted, for
  we know of none that says what was in its caches.
- **Probes** are all that was sent while requests ran: surveys, tests of vantage points, each packet of a
  traceroute. What made the atlases before is not in it.
- **A second** is of this machine's clock, {jobs} such processes on it at once and other programs beside
  them; of a core that does nothing else, it is CPU time. Both have the simulation of every packet in them;
  the controller's own part stands in the next line.
- **Seeds** {seeds}: the same seed is the same Internet, the same sources and destinations and, but for
  what depends on the machine, the same result to the last digit.
- **Not in a simulation**: what nobody has thought of. Routers limit, stamp and hide as drawn from published
  shares; what they do in reality is only known by measuring it.

"""


def _percent(part: float, of: float) -> str:
    return f"{100 * part / of:.1f}%" if of else "none"


def _setting(plan: Plan, described: dict[str, str]) -> str:
    worlds = len(plan.world_seeds)
    lines = [f"- {worlds} world{'s' if worlds > 1 else ''} of {plan.ases:,} ASes and {plan.vantage_points} vantage "
             f"points, {plan.sources} of them sources; {plan.requests:,} requests in each, "
             f"{plan.rate:g} a second",
             *(f"- {key}: {value}" for key, value in described.items() if key != "dpdk")]
    return "\n".join(lines).replace(",000", " 000") + "\n\n"


def _figure(name: str, words: str) -> str:
    return f"![{words}](evaluation/{name})\n\n"


def _hops(it: dict) -> str:
    lines = []
    for kind, name in plots.TYPES.items():
        score = it["hops_by_type"].get(kind)
        if not score:
            continue
        judged = score["right"] + score["wrong"]
        beside = {"11": f"{published.SYMMETRY_WITHIN:.0%}",
                  "12": f"{published.SYMMETRY_ACROSS:.0%}"}.get(kind, "")
        lines.append((name, kind, number(judged), _percent(score["right"], judged), beside))
    return markdown(("found by", "type", "hops", "right", "published"), lines) + "\n\n"


def _worlds(it: dict) -> str:
    keys = ("as_complete", "as_wrong", "router_right", "coverage", "latency_p50_s",
            "probes_per_revtr")
    lines = []
    for world in it["worlds"]:
        cells = [_percent(world[key], 1) if key[-1] not in "sr" or key == "router_right" else
                 number(world[key]) for key in keys]
        lines.append((world["world_seed"], *cells))
    return markdown(("world", "complete", "wrong", "hops right", "coverage", "median, s", "probes"),
                    lines) + "\n\n"


def _costs(it: dict, plan: Plan) -> str:
    lines = []
    probes = it["probes_per_revtr_warm"]
    for revtrs in cost.DAYS:
        day = cost.of_day(revtrs, probes, plan.vantage_points)
        lines.append((f"{revtrs / 1e6:g} M", number(day.probes / 1e9), number(day.pps_of_each),
                      *(number(day.vantage_points_at[pps]) for pps in cost.POLITE_PPS)))
    head = ("a day", "10^9 probes", f"pps of each of {plan.vantage_points}",
            *(f"vantage points at {pps} pps" for pps in cost.POLITE_PPS))
    most = ", ".join(
        f"{cost.most_a_day(probes, plan.vantage_points, pps) / 1e6:.1f} M a day "
        f"at {pps} pps" for pps in cost.POLITE_PPS)
    return (markdown(head, lines) + "\n\n" + fill(
        f"The {plan.vantage_points} vantage points' packets, were all as busy, suffice for {most}. RevTr's "
        "scampers send 100 a second (until July 2024) and 300 (since). [scale.md](scale.md) has what else it "
        "takes.", 108) + "\n\n")


def _failures(it: dict) -> str:
    lines = [(f"`{reason}`", _percent(count, it["requests"]))
             for reason, count in sorted(it["failures"].items(), key=lambda it: -it[1])]
    return markdown(("why not reached", "of requests"), lines) + "\n\n"


def render(it: dict, plan: Plan, described: dict[str, str]) -> str:
    strict, of_all = it["as_of_measured_strict"], it["as_of_all"]
    says = _SAYS.format(
        wrong_all=_percent(of_all["wrong"], of_all["paths"]),
        strict=_percent(strict["complete"], strict["paths"]),
        vp_pps=published.VP_PPS, jobs=plan.jobs, seeds=", ".join(map(str, plan.world_seeds)))
    table = markdown(rows.head(None), rows.rows(it, None, plan.vantage_points), (0, 1))
    return "".join([
        _INTRO, _setting(plan, described), "## Figures\n\n", table, "\n\n",
        _figure("as-level.svg", "AS paths complete, with ASes missing, and wrong"),
        _figure("latency.svg", "Share of requests answered within a time"), says,
        "## Hops\n\n", _hops(it),
        _figure("hops.svg", "Share of hops that are on the true path, by how they were found"),
        "## What a day costs\n\n", _costs(it, plan),
        "## What failed\n\n", _failures(it),
        *([hour.section(json.loads(hour.KEPT.read_text()))] if hour.KEPT.exists() else []),
        "## World by world\n\n",
        _worlds(it)]).rstrip() + "\n"


def write(it: dict, plan: Plan, described: dict[str, str]) -> str:
    FOLDER.mkdir(exist_ok=True)
    for name, plot in plots.all_of(it).items():
        (FOLDER / name).write_text(plot)
    PAGE.write_text(render(it, plan, described))
    return str(PAGE.relative_to(ROOT))
