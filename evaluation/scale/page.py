"""docs/scale.md, from what was measured."""

from __future__ import annotations

from dataclasses import replace
from textwrap import fill

from side_by_side.table import markdown, number

from . import queueing, sizing
from .units import Units

DAYS = (15e6, 100e6, 1e9)
SITE_PPS = (100, 300, 1000)
_LONG_GATHER_S = 0.2
_ROUNDS = 6  # of tasks and results in one reverse traceroute, about
_SECONDS = 12  # of the queues' simulated time
_LOADS = (0.5, 0.9, 1.1)  # of what the first limit allows

_INTRO = """\
# Scale

Written by `scripts/evaluate --write`; do not edit. What a number of reverse traceroutes a day takes in
sites, cores, brokers and bytes, from unit costs that were measured, with the arithmetic checked by a
simulation of the queues between them (`evaluation/scale/`).

## What is sharded by what

- **Sources to controllers.** Everything about one source (atlas, caches, measurements under way) is one
  controller's. Controllers share nothing, so their number is free.
- **Vantage points to controllers.** Results of a vantage point go to one consumer ([queue.md](queue.md)),
  the reply to a spoofed probe arrives at its source, and a controller takes every vantage point that it
  hears of: so a controller has vantage points, and a NATS account or servers, of its own. Where several
  controllers use one site, it runs a vantage point process for each, with a name, an id, an address and a
  part of the site's packets a second of its own in its `rates`. Sites that the same controllers use are a
  group.
- **Vantage points' queues to subjects**: `backsight.v1.tasks.VP`, `backsight.v1.results.VP`. The streams of
  an account hold those of its vantage points, and each stream has one leader among the servers, so more
  controllers are more streams that more servers can lead.
- **The archive** is each controller's own folder.

"""


def _text(words: str) -> str:
    return fill(words, 108) + "\n\n"


def _units(units: Units) -> str:
    lines = [
        ("probes of a reverse traceroute", number(units.probes), f"third quarter of a run of {number(units.requests)}"),
        ("tasks, and results with observations", f"{number(units.tasks)}, {number(units.records)}",
         "the same run"),
        ("bytes of those results", number(units.record_bytes), "the same run, docs/formats.md"),
        ("controller's CPU", f"{units.controller_s * 1e3:.2f} ms", "the same run, its part of the process"),
        ("archive's CPU", f"{units.archive_s * 1e3:.2f} ms", "a run with an archive less one without"),
        ("archive, packed", f"{number(units.archive_bytes)} bytes", "a run with an archive"),
        ("busiest vantage point", f"{units.busiest:.1f} x the mean one", "the same run"),
        ("a vantage point's core", f"{units.vp_pps / 1e6:.1f} M packets/s",
         "docs/performance.md, net_af_packet over veth; 12 M over rings"),
        ("a nats-server", f"{units.broker_results_per_s / 1e6:.1f} M results/s, "
         f"{units.broker_stored_bytes:.0f} bytes each",
         "docs/queue.md, with both ends on its two busy cores, in large batches"),
        ("the same, in small messages", f"{number(units.broker_messages_per_s)} messages/s",
         "`bench_broker`: 600 bytes each, stored, fetched and acknowledged, all ends on two busy cores"),
    ]
    return ("## Unit costs\n\nOf the simulated Internet that [evaluation.md](evaluation.md) is about.\n\n"
            + markdown(("what", "cost", "measured by"), lines, (0, 1, 2))
            + "\n\nOne core at most half busy is what a controller is planned with. In that run few vantage points are\n"
            "sources, which send the direct probes and traceroutes; how uneven it is where all are was not measured.\n\n")


def _bytes(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{number(count / size)} {unit}"
    return f"{count:.0f} B"


def _sizes(units: Units) -> str:
    lines = []
    for revtrs in DAYS:
        for pps in SITE_PPS:
            it = sizing.size(units, revtrs, pps)
            lines.append((f"{revtrs / 1e6:g} M", number(pps), number(it.sites), number(it.groups),
                          number(it.controllers), number(it.vps_per_site), f"{it.busy:.2f}",
                          number(it.brokers), number(it.messages_per_second), _bytes(it.wire_bytes_a_day),
                          _bytes(it.archive_bytes_a_day)))
    head = ("a day", "pps of a site", "sites", "groups", "controllers", "VPs a site", "busy", "brokers",
            "messages/s", "on the wire a day", "archived a day")
    return ("## What a day takes\n\n"
            + _text("Sites so many that the busiest sends no more than it may, and at least "
                    f"{sizing.SITES_IN_A_GROUP}: so many RevTr has, to be near enough everywhere. A group has "
                    "at least that many. A controller is a core, and its archive a part of another. Brokers "
                    "replicate threefold.")
            + markdown(head, lines) + "\n\n"
            + _text("**The sites' packets are what is dear**, and manners set their price, not machines: one "
                    f"core of a vantage point sends {number(units.vp_pps / SITE_PPS[1])} times the "
                    f"{SITE_PPS[1]} packets a second of a polite site. Messages a second are an upper bound: "
                    "each vantage point's results of 20 ms as one message, and as many of tasks. It is "
                    "them, not bytes, that brokers are counted by: many sites that have little to say "
                    "each need more servers than few that have much, and each server that leads streams of "
                    f"its own adds what one does. Were results and tasks gathered for {_LONG_GATHER_S * 1e3:g} ms "
                    f"and not {units.gather_s * 1e3:g}, {DAYS[-1] / 1e6:g} M a day at {SITE_PPS[1]} packets "
                    f"a second would take {_patient(units).brokers} brokers, and each round so much longer."))


def _patient(units: Units) -> sizing.Size:
    return sizing.size(replace(units, gather_s=_LONG_GATHER_S), DAYS[-1], SITE_PPS[1])


def _first(units: Units) -> str:
    lines = [(number(at + 1), it.name,
              *((number(it.revtrs_per_second), number(it.revtrs_per_second * sizing.SECONDS_A_DAY / 1e6))
                if it.revtrs_per_second < float("inf") else ("never", "")))
             for at, it in enumerate(sizing.limits(units, sizing.SITES_IN_A_GROUP, 300))]
    return (f"## What breaks first\n\nOf {sizing.SITES_IN_A_GROUP} sites at 300 packets a second, one "
            "controller and one broker, each by itself:\n\n"
            + markdown(("", "is full", "at reverse traceroutes/s", "M a day"), lines, (1,)) + "\n\n"
            + _text("Messages never fill it where its vantage points together send no more than it takes "
                    "when each sends one in 20 ms: beyond, they only grow."))


def _queues(units: Units) -> str:
    sites = sizing.SITES_IN_A_GROUP
    lines = []
    for pps in (300, 1000):
        first = sizing.limits(units, sites, pps)[0]
        for load in _LOADS:
            group = queueing.Group(
                revtrs_per_second=first.revtrs_per_second * load, controllers=1,
                controller_s=units.controller_s, sites=sites, site_pps=pps / units.busiest,
                probes=round(units.probes), rounds=_ROUNDS, broker_per_s=units.broker_results_per_s)
            got = queueing.simulate(group, _SECONDS)
            fullest = max(got.behind_s, key=got.behind_s.__getitem__)
            lines.append((number(pps), first.name, f"{load:g}", number(group.revtrs_per_second),
                          number(got.quantile_s(0.5)), number(got.quantile_s(0.99)),
                          *(number(got.waits_s[name] * 1e3) for name in got.waits_s),
                          f"{fullest}, {got.behind_s[fullest] * 1e3:.0f} ms"))
    head = ("pps of a site", "planned to break first", "load of it", "revtrs/s", "p50, s", "p99, s",
            "wait, ms: controller", "site", "broker", "furthest behind at the end")
    return ("## The queues, simulated\n\n"
            + _text("The same group with the same unit costs as a network of queues (`evaluation/scale/"
                    f"queueing.py`), {_SECONDS} s of it: Poisson arrivals, {_ROUNDS} rounds of decision, tasks "
                    "and results, packets paced, every site as busy as every other and with the packets that "
                    "the mean one has while the busiest has all of its own. Below the first limit nobody waits "
                    "long; above it, what was named as the first to break is what falls behind, by more the "
                    "longer it lasts.")
            + markdown(head, lines, (1, 9)) + "\n\n"
            + _text("It leaves out what a network does to probes ([evaluation.md](evaluation.md) has that), "
                    "disks, and work that comes in larger bursts than Poisson's.").rstrip() + "\n")


def render(units: Units) -> str:
    return _INTRO + _units(units) + _sizes(units) + _first(units) + _queues(units)
