"""What the demo measures: every destination from every vantage point, and spoofed for the first.

The first vantage point is the source: the host that wants to know its ways back. Every other one
probes each destination in its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.kernel import Flow

TIMEOUT_MS = 1000  # the lab answers within a few; a busy machine may need more
GAP_LIMIT = 2
BALANCED_FLOWS = 8  # that all take one branch: once in 128 labs, were their hash random


@dataclass(frozen=True)
class Measurement:
    task_id: int
    kind: str  # ping, rr or trace
    vp: str  # that sends
    destination: str
    address: str  # of the destination
    source: str  # that receives: vp, or the one it pretends to be
    source_address: str
    method: str = ""
    flow: int = 0

    @property
    def is_spoofed(self) -> bool:
        return self.source != self.vp

    def task(self) -> dict:
        task = {"id": self.task_id, "kind": self.kind, "dst": self.address,
                "timeout_ms": TIMEOUT_MS}
        if self.is_spoofed:
            task["src"] = self.source_address
        if self.kind == "trace":
            task |= {"method": self.method, "flow": self.flow, "attempts": 2,
                     "gap_limit": GAP_LIMIT}
        return task

    def hashed(self) -> Flow:
        """What a balancing router may hash of its packets (docs/wire-identity.md)."""
        if self.kind != "trace" or self.method == "icmp":
            return Flow("icmp")
        high = self.flow >> 15
        destination_port = 33434 + high if self.method == "udp" else (443 if high else 80)
        return Flow(self.method, 0x8000 | (self.flow & 0x7fff), destination_port)


def plan(record: dict) -> list[Measurement]:
    measurements: list[Measurement] = []
    vps = record["vps"]
    source = vps[0]

    def add(kind: str, vp: dict, destination: dict, **more: Any) -> None:
        receiver = more.pop("source", vp)
        measurements.append(Measurement(
            len(measurements) + 1, kind, vp["node"], destination["node"], destination["address"],
            receiver["node"], receiver["address"], **more))

    for destination in record["destinations"]:
        for vp in vps:
            add("ping", vp, destination)
            add("rr", vp, destination)
            add("trace", vp, destination, method="udp")
            if vp is not source:
                add("rr", vp, destination, source=source)
        add("trace", source, destination, method="icmp")
        add("trace", source, destination, method="tcp")
        if "equal-cost" in destination["special"]:
            for flow in range(1, BALANCED_FLOWS):
                add("trace", source, destination, method="udp", flow=flow)
    return measurements
