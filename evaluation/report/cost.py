"""What a day of reverse traceroutes costs in probes, and what each vantage point must send."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

DAYS = (15e6, 100e6, 1e9)  # reverse traceroutes
POLITE_PPS = (100, 300, 1000)  # of a vantage point
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Day:
    revtrs: float
    probes: float
    pps: float  # of all vantage points together
    pps_of_each: float
    vantage_points_at: dict[int, int]  # packets a second of each: how many of them are needed


def of_day(revtrs: float, probes_per_revtr: float, vantage_points: int) -> Day:
    probes = revtrs * probes_per_revtr
    pps = probes / _SECONDS_A_DAY
    return Day(revtrs, probes, pps, pps / vantage_points,
               {polite: ceil(pps / polite) for polite in POLITE_PPS})


def most_a_day(probes_per_revtr: float, vantage_points: int, polite_pps: float) -> float:
    """Reverse traceroutes that the fleet's packets suffice for."""
    return vantage_points * polite_pps * _SECONDS_A_DAY / probes_per_revtr
