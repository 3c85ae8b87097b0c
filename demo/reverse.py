"""Reverse paths against the routing tables: which hops are right, and which routers are missing."""

from __future__ import annotations

from dataclasses import dataclass

from lab.topology import HIDDEN
from lab.truth import Truth

TECHNIQUES = {1: "destination", 3: "traceroute atlas", 4: "atlas, about here", 5: "record route",
              6: "spoofed record route", 11: "assumed symmetric",
              12: "assumed symmetric, across ASes"}
MEASURED = (1, 3, 5, 6)
ASSUMED = (11, 12)


@dataclass(frozen=True)
class ReverseHop:
    address: str
    node: str  # whose address it is; empty: nobody's of the lab
    hop_type: int
    is_right: bool

    @property
    def technique(self) -> str:
        return TECHNIQUES.get(self.hop_type, "unknown")


@dataclass(frozen=True)
class ReverseVerdict:
    source: str
    destination: str
    path: dict
    hops: list[ReverseHop]
    true_nodes: list[str]  # of the branch that is most alike, hidden ones left out
    missing: list[str]

    @property
    def reaches(self) -> bool:
        return self.path["stop_reason"] == "REACHES"

    @property
    def is_assumed(self) -> bool:
        return any(hop.hop_type in ASSUMED for hop in self.hops)

    @property
    def wrong(self) -> list[ReverseHop]:
        return [hop for hop in self.hops if not hop.is_right and hop.hop_type in MEASURED]

    @property
    def agrees(self) -> bool:
        """No measured hop is wrong; nothing is missing, unless symmetry was assumed or it failed
        and says why."""
        if not self.reaches:
            return bool(self.path["fail_reason"])
        return not self.wrong and (self.is_assumed or not self.missing)


class ReverseJudge:
    def __init__(self, truth: Truth):
        self._truth = truth
        nodes = truth.record["routers"]
        self._owner = {address: router["node"] for router in nodes
                       for address in [router["address"], *router["interfaces"].values()]}
        for kind in ("vps", "destinations"):
            self._owner |= {host["address"]: host["node"] for host in truth.record[kind]}
        self._hidden = {router["node"] for router in nodes if router["special"] == HIDDEN}

    def node_of(self, address: str) -> str:
        return self._owner.get(address, "")

    def judge(self, path: dict) -> ReverseVerdict:
        source, destination = self._owner[path["src"]], self._owner[path["dst"]]
        branches = [[step.node for step in branch if step.node not in self._hidden]
                    for branch in self._truth.paths(destination, path["dst"], path["src"])]
        true = {node for branch in branches for node in branch}
        hops = [ReverseHop(hop["hop_ip"] or "*", self.node_of(hop["hop_ip"] or ""),
                           hop["hop_type"], self.node_of(hop["hop_ip"] or "") in true)
                for hop in path["revtr_hops"]]
        seen = {hop.node for hop in hops}
        best = max(branches, key=lambda branch: len(seen & set(branch)))
        return ReverseVerdict(source, destination, path, hops, best,
                              [node for node in best if node not in seen])
