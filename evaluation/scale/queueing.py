"""A group of sites, its controllers and its broker as a network of queues: what waits where.

Discrete events on simulated time. A reverse traceroute is rounds: its controller decides, tasks go
over the broker to vantage points, each of which sends when its rate allows; replies come back as
results over the broker, and the last one lets the controller decide again. Arrivals are Poisson's;
service times are constant, as work on one core and paced packets are.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count


@dataclass
class Station:
    """First come, first served, by one server that takes the same time for each."""

    name: str
    service_s: float
    free_at: float = 0.0
    served: int = 0
    busy_s: float = 0.0
    waited_s: float = 0.0

    def serve(self, now: float, amount: float = 1.0) -> float:
        """When somebody who comes now is done."""
        begins = max(now, self.free_at)
        self.waited_s += begins - now
        self.served += 1
        self.busy_s += self.service_s * amount
        self.free_at = begins + self.service_s * amount
        return self.free_at

    @property
    def mean_wait_s(self) -> float:
        return self.waited_s / self.served if self.served else 0.0


@dataclass(frozen=True)
class Group:
    revtrs_per_second: float
    controllers: int
    controller_s: float  # of one reverse traceroute
    sites: int
    site_pps: float
    probes: int  # of one reverse traceroute
    rounds: int
    broker_per_s: float  # tasks and results, each
    round_trip_s: float = 0.1
    gather_s: float = 0.015  # each way over the broker


@dataclass
class Outcome:
    begun: int = 0
    ended: int = 0
    latencies_s: list[float] = field(default_factory=list)
    waits_s: dict[str, float] = field(default_factory=dict)  # mean, of who came to it
    busy: dict[str, float] = field(default_factory=dict)  # share of the time; of the busiest alike
    behind_s: dict[str, float] = field(default_factory=dict)  # work that was waiting at the end

    def quantile_s(self, wanted: float) -> float:
        ordered = sorted(self.latencies_s)
        return ordered[int(wanted * (len(ordered) - 1))] if ordered else 0.0


@dataclass
class _Revtr:
    begun: float
    controller: int
    rounds_left: int
    waiting: int = 0


class _Run:
    def __init__(self, group: Group, seconds: float, seed: int):
        self.group, self.seconds = group, seconds
        self.random = random.Random(seed)
        self.controllers = [Station("controller", group.controller_s / (group.rounds + 1))
                            for _ in range(group.controllers)]
        self.sites = [Station("vantage points' packets", 1 / group.site_pps)
                      for _ in range(group.sites)]
        self.broker = Station("broker", 1 / group.broker_per_s)
        self.events: list = []
        self.order = count()
        self.outcome = Outcome()

    def at(self, when: float, what: Callable[..., None], *about: object) -> None:
        heapq.heappush(self.events, (when, next(self.order), what, about))

    def arrive(self, now: float) -> None:
        if now >= self.seconds:
            return
        self.at(now + self.random.expovariate(self.group.revtrs_per_second), self.arrive)
        self.outcome.begun += 1
        number = self.outcome.begun % len(self.controllers)
        self.decide(now, _Revtr(now, number, self.group.rounds))

    def decide(self, now: float, revtr: _Revtr) -> None:
        done = self.controllers[revtr.controller].serve(now)
        if revtr.rounds_left == 0:
            self.at(done, self.end, revtr)
            return
        self.at(done, self.ask, revtr)

    def ask(self, now: float, revtr: _Revtr) -> None:
        group = self.group
        asked_before = (group.rounds - revtr.rounds_left) * group.probes // group.rounds
        revtr.rounds_left -= 1
        asked = (group.rounds - revtr.rounds_left) * group.probes // group.rounds
        revtr.waiting = asked - asked_before
        if revtr.waiting == 0:
            self.decide(now, revtr)
        for _ in range(revtr.waiting):
            self.at(self.broker.serve(now) + group.gather_s, self.send, revtr)

    def send(self, now: float, revtr: _Revtr) -> None:
        site = self.sites[self.random.randrange(len(self.sites))]
        trip = self.group.round_trip_s * self.random.uniform(0.2, 1.8)
        self.at(site.serve(now) + trip, self.report, revtr)

    def report(self, now: float, revtr: _Revtr) -> None:
        self.at(self.broker.serve(now) + self.group.gather_s, self.hear, revtr)

    def hear(self, now: float, revtr: _Revtr) -> None:
        revtr.waiting -= 1
        if revtr.waiting == 0:
            self.decide(now, revtr)

    def end(self, now: float, revtr: _Revtr) -> None:
        self.outcome.ended += 1
        self.outcome.latencies_s.append(now - revtr.begun)

    def go(self) -> Outcome:
        self.arrive(0.0)
        while self.events and self.events[0][0] <= self.seconds:
            now, _, what, about = heapq.heappop(self.events)
            what(now, *about)
        for stations in (self.controllers, self.sites, [self.broker]):
            name = stations[0].name
            served = sum(it.served for it in stations)
            self.outcome.waits_s[name] = sum(it.waited_s for it in stations) / max(1, served)
            self.outcome.behind_s[name] = max(max(0.0, it.free_at - self.seconds) for it in stations)
            self.outcome.busy[name] = min(1.0, sum(it.busy_s for it in stations)
                                          / len(stations) / self.seconds)
        return self.outcome


def simulate(group: Group, seconds: float, seed: int = 1) -> Outcome:
    """REQUIRES: at least one of each; more probes than none."""
    return _Run(group, seconds, seed).go()
