"""How many of each machine a number of reverse traceroutes a day takes, and what is full first."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from .units import Units

SECONDS_A_DAY = 86_400
SITES_IN_A_GROUP = 150  # at least: so many are needed for somebody to be near enough everywhere


@dataclass(frozen=True)
class Size:
    revtrs_a_day: float
    per_second: float
    probes_per_second: float
    sites: int  # at the packets a second that each may send
    groups: int  # of sites that measure for the same sources
    controllers: int  # of all groups; each one core that works and half a one that archives
    vps_per_site: int  # vantage point processes: one a controller of its group
    busy: float  # share of its core that each controller works
    brokers: int
    messages_per_second: float
    results_per_second: float
    wire_bytes_a_day: float  # tasks and results, once over the wire
    archive_bytes_a_day: float


def size(units: Units, revtrs_a_day: float, site_pps: float) -> Size:
    per_second = revtrs_a_day / SECONDS_A_DAY
    probes = per_second * units.probes
    # What is sent is spread as unevenly as it was measured: the busiest must not send more either.
    sites = max(SITES_IN_A_GROUP, ceil(probes * units.busiest / site_pps))
    wanted = ceil(per_second * units.controller_s / units.busy_at_most)
    # Each controller has sites of its own while there are enough of them.
    groups = min(wanted, max(1, sites // SITES_IN_A_GROUP))
    controllers = groups * ceil(wanted / groups)
    vps_per_site = controllers // groups
    results = per_second * units.records
    messages = units.messages_per_s(per_second, sites * vps_per_site)
    # Three that replicate what they hold carry what one carries; a cluster begins with three.
    carried = per_second * (units.records + units.tasks)
    load = max(carried / units.broker_results_per_s, messages / units.broker_messages_per_s)
    brokers = 3 * ceil(load / units.busy_at_most)
    wire = per_second * (units.record_bytes + units.tasks * units.task_bytes) + (
        messages * units.message_head_bytes)
    return Size(revtrs_a_day, per_second, probes, sites, groups, controllers, vps_per_site,
                per_second * units.controller_s / controllers, brokers, messages, results,
                wire * SECONDS_A_DAY, revtrs_a_day * units.archive_bytes)


@dataclass(frozen=True)
class Limit:
    name: str
    revtrs_per_second: float  # at which it is full


def _full_of_messages(units: Units, vantage_points: int) -> float:
    """Vantage points gather the more the busier they are, so that few of them never fill it."""
    at = units.broker_messages_per_s / (units.records + units.tasks)
    while units.messages_per_s(at, vantage_points) < units.broker_messages_per_s:
        at *= 1.01
        if at > 1e9:
            return float("inf")
    return at


def limits(units: Units, sites: int, site_pps: float, controllers: int = 1) -> list[Limit]:
    """Of one group, what is full first at the head."""
    mean_pps = site_pps / units.busiest
    found = [
        Limit("vantage points' packets", sites * mean_pps / units.probes),
        Limit("controller", controllers / units.controller_s),
        Limit("archive", controllers / units.archive_s if units.archive_s else float("inf")),
        Limit("broker's messages", _full_of_messages(units, sites * controllers)),
        Limit("broker", units.broker_results_per_s / (units.records + units.tasks)),
        Limit("vantage points' cores", sites * units.vp_pps / units.busiest / units.probes),
    ]
    return sorted(found, key=lambda it: it.revtrs_per_second)
