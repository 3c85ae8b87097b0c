"""A lab in the kernel: namespaces, cables, addresses, routes, filters. And its removal."""

from __future__ import annotations

import os
import signal
import subprocess
import time

from lab import state
from lab.addressing import Addressing, Cable, Interface
from lab.routing import Routing
from lab.state import LabError, namespace
from lab.topology import (DROPS_OPTIONS, IGNORES_RECORD_ROUTE, SILENT, Topology, Tunnel)

_AT_A_TIME = 4  # shells that configure namespaces side by side
_UNDERLAY_MTU = 1600  # room for VXLAN's 50 bytes, so that nothing in the tunnel is fragmented
_VXLAN_PORT = 4789  # RFC 7348
_GRACE_SECONDS = 1.0  # between SIGTERM and SIGKILL

# Written in each namespace. A mask of 0 exempts every ICMP type from the rate limits. The hash
# seed makes a lab choose the same equal-cost path for a flow each time it is raised. Policy 3 with
# fields 0x37 hashes addresses, protocol and ports of each packet anew; policy 1 would do the same
# but for packets that carry a hash from a socket or a tunnel they passed, which no table tells.
_SYSCTLS = """cd /proc/sys/net
echo 1 > ipv6/conf/all/disable_ipv6
echo 1 > ipv6/conf/default/disable_ipv6
for f in ipv4/conf/*/rp_filter ipv4/conf/*/send_redirects; do echo 0 > $f; done
echo 0 > ipv4/icmp_ratelimit
echo 0 > ipv4/icmp_ratemask
echo 0 > ipv4/icmp_echo_ignore_all
echo 0 > ipv4/icmp_errors_use_inbound_ifaddr
echo 3 > ipv4/fib_multipath_hash_policy
echo 0x37 > ipv4/fib_multipath_hash_fields
[ ! -e ipv4/fib_multipath_hash_seed ] || echo 1 > ipv4/fib_multipath_hash_seed
"""

_DROP_OPTIONS_IN_TRANSIT = """table ip lab {
 chain forward { type filter hook forward priority 0; ip hdrlength > 5 drop; }
}"""
_DROP_RECORD_ROUTE = """table ip lab {
 chain input { type filter hook input priority 0; ip option rr exists drop; }
}"""
_DROP_EVERYTHING = """table ip lab {
 chain input { type filter hook input priority 0; policy drop; }
}"""


class Builder:
    """Raises one lab. The caller holds the lab's lock and removes what is there on failure."""

    def __init__(self, name: str, addressing: Addressing, bare_vps: bool, lock: int):
        self.name = name
        self.addressing = addressing
        self.topology: Topology = addressing.topology
        self.bare_vps = bare_vps
        self.lock = lock
        self.routing = Routing(self.topology)
        self.routes = self._all_routes()

    def raise_all(self) -> None:
        nodes = [*self.topology.routers, *self.topology.hosts]
        self._batch([f"netns add {self._ns(node)}" for node in nodes])
        self._batch([self._cable_command(cable) for cable in self.addressing.cables
                     if not isinstance(cable.link, Tunnel)])
        self._configure({node: self._script(node) for node in nodes})

    def _ns(self, node: str) -> str:
        return namespace(self.name, node)

    def _batch(self, lines: list[str]) -> None:
        run = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True,
                             capture_output=True, pass_fds=[self.lock])
        if run.returncode != 0:
            raise LabError(f"ip -batch failed: {run.stderr.strip()}")

    def _configure(self, scripts: dict[str, str]) -> None:
        """Runs each node's script in its namespace, a few at a time."""
        waiting = list(scripts.items())
        running: list[tuple[str, subprocess.Popen]] = []
        while waiting or running:
            while waiting and len(running) < _AT_A_TIME:
                running.append(self._start(*waiting.pop(0)))
            node, process = running.pop(0)
            stderr = process.communicate()[1]
            if process.returncode != 0:
                raise LabError(f"{self._ns(node)} could not be configured: {stderr.strip()}")

    def _start(self, node: str, script: str) -> tuple[str, subprocess.Popen]:
        process = subprocess.Popen(
            ["nsenter", f"--net={state.NETNS / self._ns(node)}", "sh", "-euc", script],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, pass_fds=[self.lock])
        return node, process

    def _cable_command(self, cable: Cable) -> str:
        mtu = f"mtu {_UNDERLAY_MTU} " if cable.link and cable.link.underlay else ""
        a, b = cable.a, cable.b
        return (f"link add name {a.name} {mtu}netns {self._ns(a.node)} type veth "
                f"peer name {b.name} {mtu}netns {self._ns(b.node)}")

    def _script(self, node: str) -> str:
        """The shell script that turns a new namespace into a router or a host."""
        commands = ["link set dev lo up"]
        ends = self.addressing.interfaces_of(node)
        if node in self.topology.routers:
            commands.append(f"address add {self.addressing.loopbacks[node]}/32 dev lo")
        for end in ends:
            commands += self._interface_commands(end)
        commands += self.routes[node]
        parts = [_SYSCTLS]
        if node in self.topology.routers:
            parts.append("echo 1 > ipv4/ip_forward\n")
        parts += [_here_document("ip -batch -", "\n".join(commands)), self._filter(node)]
        parts += [f"ethtool -K {end.name} tx off\n" for end in ends if self._faces_host(end)]
        return "".join(parts)

    def _faces_host(self, end: Interface) -> bool:
        return end.node in self.topology.hosts or end.name[len("to-"):] in self.topology.hosts

    def _is_bare(self, node: str) -> bool:
        return self.bare_vps and node in self.topology.hosts and self.topology.hosts[node].is_vp

    def _interface_commands(self, end: Interface) -> list[str]:
        peer = f"{end.peer}/32" if end.peer else ""
        address = f"{end.address} peer {peer}" if peer else f"{end.address}/{end.prefix_length}"
        commands = [] if self._is_bare(end.node) else [f"address add {address} dev {end.name}"]
        if end.name.startswith("tun-"):
            commands.insert(0, self._tunnel_command(end))
        return [*commands, f"link set dev {end.name} up"]

    def _tunnel_command(self, end: Interface) -> str:
        """A VXLAN between the outermost addresses of the underlay."""
        tunnel = self.topology.tunnel()
        local, remote = self._underlay_address(tunnel.a), self._underlay_address(tunnel.b)
        if end.node == tunnel.b:
            local, remote = remote, local
        return (f"link add name {end.name} mtu 1500 type vxlan id 1 dstport {_VXLAN_PORT} "
                f"local {local} remote {remote}")

    def _underlay_address(self, router: str) -> str:
        return next(end.address for cable in self.addressing.cables
                    for end in (cable.a, cable.b)
                    if cable.link and cable.link.underlay and end.node == router)

    def _filter(self, node: str) -> str:
        router, host = self.topology.routers.get(node), self.topology.hosts.get(node)
        rules = ""
        if router and router.quirk == DROPS_OPTIONS:
            rules = _DROP_OPTIONS_IN_TRANSIT
        elif host:
            rules = {IGNORES_RECORD_ROUTE: _DROP_RECORD_ROUTE, SILENT: _DROP_EVERYTHING}.get(
                host.special, "")
        return _here_document("nft -f -", rules) if rules else ""

    def _all_routes(self) -> dict[str, list[str]]:
        """The `ip route` commands of each node."""
        routes: dict[str, list[str]] = {node: [] for node in self.topology.routers}
        gateways = self._gateways()
        for prefix in self.addressing.prefixes:
            next_hops = self.routing.next_hops(prefix.origins, prefix.below_tunnel)
            for router, neighbours in next_hops.items():
                if router not in prefix.connected:
                    vias = [gateways[router, n, prefix.below_tunnel] for n in neighbours]
                    routes[router].append(_route_command(prefix.network, vias))
        for host in self.topology.hosts.values():
            gateway = next(c.a.address for c in self.addressing.cables if c.b.node == host.name)
            routes[host.name] = [] if self._is_bare(host.name) else [
                f"route add default via {gateway} dev eth0"]
        return routes

    def _gateways(self) -> dict[tuple[str, str, bool], str]:
        """`via ADDRESS dev INTERFACE` from router to neighbour, above and below the tunnel."""
        gateways = {}
        for cable in self.addressing.cables:
            if cable.link is None:
                continue
            for end, other in ((cable.a, cable.b), (cable.b, cable.a)):
                gateways[end.node, other.node, False] = f"via {other.address} dev {end.name}"
                if not isinstance(cable.link, Tunnel):
                    gateways[end.node, other.node, True] = f"via {other.address} dev {end.name}"
        return gateways


def _route_command(network: str, vias: list[str]) -> str:
    if len(vias) == 1:
        return f"route add {network} {vias[0]}"
    return f"route add {network} " + " ".join(f"nexthop {via} weight 1" for via in vias)


def _here_document(command: str, text: str) -> str:
    return f"{command} <<'END'\n{text}\nEND\n"


def remove_all(namespaces: list[str]) -> None:
    """Ends what runs in these namespaces, then deletes those that exist."""
    present = [ns for ns in namespaces if (state.NETNS / ns).exists()]
    _end_processes(present)
    deletions = "".join(f"netns delete {ns}\n" for ns in present)
    subprocess.run(["ip", "-force", "-batch", "-"], input=deletions, text=True, capture_output=True)
    for ns in present:  # a killed `up` may have left a name that no namespace is mounted on
        (state.NETNS / ns).unlink(missing_ok=True)


def _end_processes(namespaces: list[str]) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        pids = _pids_in(namespaces)
        for pid in pids:
            try:
                os.kill(pid, signal_number)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + _GRACE_SECONDS
        while pids and time.monotonic() < deadline:
            time.sleep(0.02)
            pids = _pids_in(namespaces)


def _pids_in(namespaces: list[str]) -> list[int]:
    """Processes whose network namespace is one of these; zombies have none."""
    ours = {_identity(state.NETNS / ns) for ns in namespaces}
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and _identity(f"/proc/{entry}/ns/net") in ours:
                found.append(int(entry))
        except OSError:  # it ended meanwhile
            pass
    return [pid for pid in found if pid != os.getpid()]


def _identity(path: os.PathLike | str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
