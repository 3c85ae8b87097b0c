"""What was measured beside what the routing tables say, row by row.

A row is a hop of a trace or a slot of a recorded route. A measurement agrees if all its rows do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest

from demo.plan import Measurement
from lab.topology import SILENT
from lab.truth import Truth

FORWARD, DESTINATION, REVERSE = "forward", "destination", "reverse"
NOTHING = "-"


@dataclass(frozen=True)
class Row:
    part: str  # TTL of a trace, part of a recorded route
    seen: str
    expected: list[str]  # any of these; empty where nothing may be seen
    router: str = ""
    ms: float | None = None
    is_hidden: bool = False  # only the truth knows of it, and no probe ever shows it

    @property
    def agrees(self) -> bool:
        return self.is_hidden or (self.seen in self.expected if self.expected
                                  else self.seen == NOTHING)


@dataclass(frozen=True)
class Verdict:
    measurement: Measurement
    result: dict | None  # None: there is none, which no truth allows
    observation: dict | None
    outcome: str
    expected_outcome: str
    why: str = ""  # nothing should come back
    ms: float | None = None
    rows: list[Row] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return self.outcome == self.expected_outcome and all(row.agrees for row in self.rows)

    def reverse_hops(self) -> int:
        return sum(row.part == REVERSE and row.seen != NOTHING for row in self.rows)


class Judge:
    def __init__(self, truth: Truth):
        self.truth = truth
        self._answers: dict[tuple, dict] = {}

    def answer(self, it: Measurement) -> dict:
        key = (it.source, it.destination, it.vp, it.hashed())
        if key not in self._answers:
            self._answers[key] = self.truth.answer(
                it.source, it.destination, spoof_from=it.vp if it.is_spoofed else "",
                flow=it.hashed())
        return self._answers[key]

    def is_answered(self, it: Measurement) -> bool:
        """Whether the truth lets a reply come back."""
        if it.kind == "rr":
            return self.answer(it)["no_record_route_because"] is None
        return self.truth.kernel.nodes[it.destination]["special"] != SILENT

    def judge(self, it: Measurement, result: dict | None, observation: dict | None) -> Verdict:
        if result is None:
            return Verdict(it, None, observation, "no result", "a result")
        if it.kind == "trace":
            return self._judge_trace(it, result)
        reply = observation if it.is_spoofed else result
        replied = reply is not None and "reply" in reply
        outcome = result["outcome"]
        expected = "replied" if self.is_answered(it) else "timed_out"
        if it.is_spoofed:
            outcome += ", reply seen" if replied else ", no reply"
            expected = "sent, reply seen" if self.is_answered(it) else "sent, no reply"
        why = self.answer(it)["no_record_route_because"] or "" if it.kind == "rr" else ""
        rows = self._slots(it, reply) if it.kind == "rr" and (replied or not why) else []
        ms = result["rtt_ns"] / 1e6 if "rtt_ns" in result else None  # nobody knows a spoofed one's
        return Verdict(it, result, observation, outcome, expected, why, ms, rows)

    def _slots(self, it: Measurement, reply: dict | None) -> list[Row]:
        seen = reply.get("record_route", []) if reply else []
        routes = self.answer(it)["record_route"]
        expected = seen if seen in routes else next(iter(routes), [])
        parts = route_parts(expected if len(expected) >= len(seen) else seen, it.address)
        return [Row(part, stamp, [true] if true != NOTHING else [], self._router(true, it))
                for part, stamp, true in zip_longest(parts, seen, expected, fillvalue=NOTHING)]

    def _router(self, address: str, it: Measurement) -> str:
        return "" if address in (NOTHING, it.address) else self.truth.node_of(address)

    def _judge_trace(self, it: Measurement, result: dict) -> Verdict:
        is_answered = self.is_answered(it)
        answers: dict[int, dict] = {}
        for hop in result.get("hops", []):
            if "from" in hop:
                answers.setdefault(hop["ttl"], hop)
        rows, ttl = [], 0
        for hop in self.answer(it)["forward"][0]:
            ttl += not hop["hidden"]
            rows.append(Row("", NOTHING, [], hop["node"], is_hidden=True) if hop["hidden"] else
                        _hop_row(ttl, answers.pop(ttl, None), hop["time_exceeded"], hop["node"]))
        last = _hop_row(ttl + 1, answers.pop(ttl + 1, None), [it.address] if is_answered else [],
                        it.destination)
        rows += [last] + [_hop_row(ttl, hop, [], "") for ttl, hop in sorted(answers.items())]
        return Verdict(it, result, None, result["outcome"],
                       "reached" if is_answered else "gap_limit",
                       "" if is_answered else f"{it.destination} {SILENT}", None, rows)


def _hop_row(ttl: int, answer: dict | None, expected: list[str], router: str) -> Row:
    if answer is None:
        return Row(str(ttl), NOTHING, expected, router)
    return Row(str(ttl), answer["from"], expected, router, answer["rtt_ns"] / 1e6)


def route_parts(route: list[str], destination: str) -> list[str]:
    """For each slot its part of the way: what stands behind the destination's last stamps goes
    back; without such a stamp nothing tells, and all may be forward."""
    if destination not in route:
        return [FORWARD] * len(route)
    end = begin = len(route) - route[::-1].index(destination)
    while begin > 0 and route[begin - 1] == destination:
        begin -= 1
    return [FORWARD] * begin + [DESTINATION] * (end - begin) + [REVERSE] * (len(route) - end)
