"""The true ways through a lab that is up, walked hop by hop through the kernel's tables.

Nothing here looks at the plan of the lab. Only what no table tells comes from the lab's record:
which AS a node is in and what it drops.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.kernel import Flow, Kernel, NextHop
from lab.state import LabError
from lab.topology import DROPS_OPTIONS, IGNORES_RECORD_ROUTE, SILENT

RECORD_ROUTE_SLOTS = 9  # RFC 791: 40 bytes of options hold no more
_MAX_HOPS = 64


@dataclass(frozen=True)
class Step:
    """A node on a path, and how the packet left it. An empty interface: it did not."""

    node: str
    out: NextHop


class Truth:
    """Answers for one lab."""

    def __init__(self, record: dict):
        self.record = record
        self.kernel = Kernel(record)
        self._hosts = {entry["node"]: entry for kind in ("vps", "destinations")
                       for entry in record[kind]}

    def address_of(self, node_or_address: str) -> str:
        if node_or_address in self.kernel.nodes:
            return self.kernel.nodes[node_or_address]["address"]
        self.node_of(node_or_address)
        return node_or_address

    def node_of(self, address: str) -> str:
        """The node with this address. A bare vantage point's is known from the record alone."""
        if address in self.kernel.owner:
            return self.kernel.owner[address]
        for node, entry in self._hosts.items():
            if entry["address"] == address:
                return node
        raise LabError(f"{address} is neither a node nor an address of lab {self.record['name']}; "
                       f"see: scripts/lab status --name {self.record['name']}", 2)

    def paths(self, start: str, source: str, destination: str,
              flow: Flow | None = None) -> list[list[Step]]:
        """All ways of a packet from node `start`; only the flow's if one is given.

        The first step is `start`'s own, the last that of the node with `destination`.
        """
        finished: list[list[Step]] = []
        end = self.node_of(destination)

        def walk(path: list[Step], node: str, arrived_at: str) -> None:
            if node == end:
                finished.append([*path, Step(node, NextHop("", ""))])
                return
            if len(path) > _MAX_HOPS:
                raise LabError(f"routing loop from {start} to {destination} at {node}")
            for hop in self._next_hops(node, source, destination, arrived_at, flow):
                neighbour_address = hop.gateway or destination
                neighbour = self.node_of(neighbour_address)
                walk([*path, Step(node, hop)], neighbour, self._arrival(neighbour,
                                                                        neighbour_address))

        walk([], start, "")
        if not finished:
            raise LabError(f"no route from {start} to {destination}")
        return finished

    def _arrival(self, node: str, address: str) -> str:
        return (self.kernel.interface_with(node, address)
                if address in self.kernel.owner else self._hosts[node]["interface"])

    def _next_hops(self, node: str, source: str, destination: str, arrived_at: str,
                   flow: Flow | None) -> list[NextHop]:
        hops = self.kernel.next_hops(node, destination)
        if not hops and node in self._hosts:  # a bare vantage point has no table; its program has
            host = self._hosts[node]
            return [NextHop(host["interface"], host["gateway"])]
        if len(hops) > 1 and flow and arrived_at:
            return [self.kernel.chosen(node, source, destination, arrived_at, flow)]
        return hops

    def stamps(self, path: list[Step]) -> list[str]:
        """What the routers of a path write: the address each packet leaves by."""
        return [self.kernel.interface_address(step.node, step.out.interface)
                for step in path[1:-1]]

    def answer(self, src: str, dst: str, spoof_from: str = "", flow: Flow | None = None) -> dict:
        """Everything `truth --json` prints."""
        source, destination = self.address_of(src), self.address_of(dst)
        start = self.node_of(self.address_of(spoof_from)) if spoof_from else self.node_of(source)
        forward = self.paths(start, source, destination, flow)
        reverse = self.paths(self.node_of(destination), destination, source,
                             flow.reversed() if flow else None)
        obstacle = self._obstacle(forward[0] + reverse[0], destination)
        routes = [] if obstacle else self._record_routes(forward, reverse, destination)
        return {
            "src": self._end(source),
            "dst": self._end(destination),
            "probe_from": start,
            "flow": str(flow) if flow else None,
            "forward": [self._describe(path, source) for path in forward],
            "reverse": [self._describe(path, source) for path in reverse],
            "record_route": routes,
            "no_record_route_because": obstacle,
        }

    def _end(self, address: str) -> dict:
        node = self.node_of(address)
        return {"node": node, "address": address, "asn": self.kernel.nodes[node]["asn"]}

    def _record_routes(self, forward: list[list[Step]], reverse: list[list[Step]],
                       destination: str) -> list[list[str]]:
        """What an RR ping brings home. Linux stamps twice at the destination: once when the
        request is delivered, once when the reply, which goes on in the same option, is sent."""
        routes = [[*self.stamps(there), destination, destination, *self.stamps(back)]
                  for there in forward for back in reverse]
        cut = [route[:RECORD_ROUTE_SLOTS] for route in routes]
        return [route for i, route in enumerate(cut) if route not in cut[:i]]

    def _obstacle(self, steps: list[Step], destination: str) -> str | None:
        """Why no RR ping is answered. Every branch of a lab's paths meets the same obstacles."""
        host = self.node_of(destination)
        if self._special(host) in (SILENT, IGNORES_RECORD_ROUTE):
            return f"{host} {self._special(host)}"
        droppers = [step.node for step in steps
                    if step.node != host and self._special(step.node) == DROPS_OPTIONS]
        return f"{droppers[0]} {DROPS_OPTIONS}" if droppers else None

    def _special(self, node: str) -> str:
        return self.kernel.nodes[node].get("special", "")

    def _describe(self, path: list[Step], source: str) -> list[dict]:
        """The routers of a path, those below a tunnel included where they are passed."""
        described = []
        for step in path[1:-1]:
            described.append(self._hop(step, source))
            described += [self._hidden_hop(node) for node in self._below(step)]
        return described

    def _hop(self, step: Step, source: str) -> dict:
        return self._router(step.node) | {
            "hidden": False,
            "record_route": self.kernel.interface_address(step.node, step.out.interface),
            "time_exceeded": self.kernel.errors_come_from(step.node, source),
        }

    def _hidden_hop(self, node: str) -> dict:
        return self._router(node) | {"hidden": True, "record_route": None, "time_exceeded": []}

    def _router(self, node: str) -> dict:
        return {"node": node, "asn": self.kernel.nodes[node]["asn"],
                "drops_options": self._special(node) == DROPS_OPTIONS,
                "addresses": self.kernel.addresses(node)}

    def _below(self, step: Step) -> list[str]:
        """The routers that carry a tunnel's packets between its ends."""
        remote = self.kernel.tunnel_end(step.node, step.out.interface)
        if not remote:
            return []
        [way] = self.paths(step.node, self.kernel.nodes[step.node]["address"], remote)
        return [inner.node for inner in way[1:-1]]


def text(answer: dict) -> str:
    """For people: one line a router, branches one after the other."""
    lines = []
    if answer["probe_from"] != answer["src"]["node"]:
        lines += [f"probe from {answer['probe_from']} with source {answer['src']['address']}"]
    there = f"{answer['probe_from']} to {answer['dst']['node']} ({answer['dst']['address']})"
    back = f"{answer['dst']['node']} to {answer['src']['node']} ({answer['src']['address']})"
    for title, paths in ((there, answer["forward"]), (back, answer["reverse"])):
        for i, path in enumerate(paths, 1):
            branch = f", branch {i} of {len(paths)}" if len(paths) > 1 else ""
            lines += [f"{title}{branch}", *_hop_lines(path), ""]
    return "\n".join(lines + _record_route_lines(answer))


def _hop_lines(path: list[dict]) -> list[str]:
    rows = [("", "ROUTER", "AS", "RECORD ROUTE", "TIME EXCEEDED", "")]
    number = 0
    for hop in path:
        number += not hop["hidden"]
        remark = "hidden below a tunnel" if hop["hidden"] else (
            "drops packets with options" if hop["drops_options"] else "")
        rows.append(("-" if hop["hidden"] else str(number), hop["node"], str(hop["asn"]),
                     hop["record_route"] or "-", " or ".join(hop["time_exceeded"]) or "-", remark))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(f"{c:<{w}}" for c, w in zip(row, widths)).rstrip() for row in rows]


def _record_route_lines(answer: dict) -> list[str]:
    if answer["no_record_route_because"]:
        return [f"record route: no answer, since {answer['no_record_route_because']}"]
    count = len(answer["record_route"])
    return [f"record route{f', alternative {i} of {count}' if count > 1 else ''}: {' '.join(route)}"
            for i, route in enumerate(answer["record_route"], 1)]
