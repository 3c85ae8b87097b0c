"""What the kernel of each node of a lab knows: its addresses, its routes, its choice for a flow."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab import record as lab_record
from lab.state import LabError


@dataclass(frozen=True)
class Flow:
    """What a router may hash besides the addresses."""

    protocol: str  # udp, tcp or icmp
    source_port: int = 0
    destination_port: int = 0

    def reversed(self) -> Flow:
        return Flow(self.protocol, self.destination_port, self.source_port)

    def selector(self) -> list[str]:
        """The flow in the words of `ip route get`."""
        ports = [] if self.protocol == "icmp" else [
            "sport", str(self.source_port), "dport", str(self.destination_port)]
        return ["ipproto", self.protocol, *ports]

    def __str__(self) -> str:
        ports = f":{self.source_port}:{self.destination_port}"
        return self.protocol + (ports if self.protocol != "icmp" else "")


def parse_flow(text: str) -> Flow:
    """`33434:33435`, `udp:33434:33435`, `tcp:4000:80` or `icmp`. Raises ValueError."""
    if text == "icmp":
        return Flow("icmp")
    *protocol, source, destination = text.split(":")
    ports = int(source), int(destination)
    if protocol not in ([], ["udp"], ["tcp"]) or not all(0 < port < 65536 for port in ports):
        raise ValueError(text)
    return Flow(protocol[0] if protocol else "udp", *ports)


@dataclass(frozen=True)
class NextHop:
    interface: str
    gateway: str  # empty: the destination itself is on the link


class Kernel:
    """The routing tables and addresses of all nodes, each read once."""

    def __init__(self, record: dict):
        self.nodes = lab_record.nodes(record)
        self.interfaces = self._read_all(["-d", "address", "show"])
        self._tables = {
            node: [(IPv4Network(_network(route)), route) for route in routes]
            for node, routes in self._read_all(["route", "show", "table", "all"]).items()}
        self.owner = {address: node for node in self.nodes for address in self.addresses(node)}

    def _ip(self, node: str, arguments: list[str]) -> list[dict]:
        command = ["ip", "-4", "-n", self.nodes[node]["namespace"], "-j", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")
        return json.loads(done.stdout or "[]")

    def _read_all(self, arguments: list[str]) -> dict[str, list[dict]]:
        return {node: self._ip(node, arguments) for node in self.nodes}

    def addresses(self, node: str) -> list[str]:
        """All addresses of a node, in the order of its interfaces."""
        return [entry["local"] for interface in self.interfaces[node]
                for entry in interface.get("addr_info", []) if entry["local"] != "127.0.0.1"]

    def interface_with(self, node: str, address: str) -> str:
        return next(interface["ifname"] for interface in self.interfaces[node]
                    if any(entry["local"] == address for entry in interface["addr_info"]))

    def interface_address(self, node: str, name: str) -> str:
        interface = next(entry for entry in self.interfaces[node] if entry["ifname"] == name)
        return interface["addr_info"][0]["local"]

    def tunnel_end(self, node: str, name: str) -> str:
        """The address the interface sends its tunnel's packets to; empty if it is no tunnel."""
        interface = next(entry for entry in self.interfaces[node] if entry["ifname"] == name)
        return interface.get("linkinfo", {}).get("info_data", {}).get("remote", "")

    def next_hops(self, node: str, destination: str) -> list[NextHop]:
        """By the longest prefix and the lowest metric, as the kernel does.

        Several where paths cost the same; none without a route, or if it leads nowhere.
        """
        address = IPv4Address(destination)
        matching = [entry for entry in self._tables[node] if address in entry[0]]
        if not matching:
            return []
        _, route = max(matching, key=lambda entry: (entry[0].prefixlen,
                                                    -entry[1].get("metric", 0)))
        hops = [hop for hop in route.get("nexthops", [route]) if "dev" in hop]
        return sorted((NextHop(hop["dev"], hop.get("gateway", "")) for hop in hops), key=str)

    def chosen(self, node: str, source: str, destination: str, arrived_at: str,
               flow: Flow) -> NextHop:
        """The branch this node's kernel takes for a flow that it forwards."""
        [answer] = self._ip(node, ["route", "get", destination, "from", source, "iif", arrived_at,
                                   *flow.selector()])
        return NextHop(answer["dev"], answer.get("gateway", ""))

    def errors_come_from(self, node: str, towards: str) -> list[str]:
        """What a router may put in an ICMP error: addresses of interfaces that face `towards`."""
        if towards in self.addresses(node):
            return [towards]
        return sorted({self.interface_address(node, hop.interface)
                       for hop in self.next_hops(node, towards)})


def _network(route: dict) -> str:
    return "0.0.0.0/0" if route["dst"] == "default" else route["dst"]
