"""Addresses for everything in a topology, and the prefixes to route. Pure.

AS number i of a lab owns the i-th /20 of 198.18.0.0/15 (the benchmark range of RFC 2544), so that
the AS of any address can be read from it:

    +0x000  router loopbacks, /32
    +0x100  links inside the AS, /30
    +0x400  this AS's end of links to other ASes, /32
    +0x800  networks of hosts, /24: the gateway is .1, the host is .10
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.topology import Link, Topology, Tunnel

_FIRST_BLOCK = IPv4Address("198.18.16.0")
_BLOCK_SIZE = 4096
_LINKS_AT, _BORDERS_AT, _HOSTS_AT = 0x100, 0x400, 0x800


@dataclass(frozen=True)
class Interface:
    """One end of a link, or a host's only interface."""

    node: str
    name: str
    address: str
    prefix_length: int
    peer: str = ""  # the other end's address, where the two share no prefix


@dataclass(frozen=True)
class Prefix:
    """A destination of routes: `origins` are the routers connected to it."""

    network: str
    origins: tuple[str, ...]
    connected: tuple[str, ...]  # the nodes that reach it without a route
    below_tunnel: bool = False


@dataclass(frozen=True)
class Cable:
    """Two interfaces that see each other."""

    a: Interface
    b: Interface
    link: Link | None  # None: a host's cable, `a` is the router's end


class Addressing:
    def __init__(self, topology: Topology):
        self.topology = topology
        self.blocks = {
            asn: IPv4Network((int(_FIRST_BLOCK) + i * _BLOCK_SIZE, 20))
            for i, asn in enumerate(sorted(topology.as_names))
        }
        self._used = {(asn, at): 0 for asn in self.blocks for at in (0, _LINKS_AT, _BORDERS_AT,
                                                                     _HOSTS_AT)}
        self.loopbacks = {name: self._take(router.asn, 0, 1, skip=1)
                          for name, router in topology.routers.items()}
        self.prefixes = [Prefix(f"{address}/32", (name,), (name,))
                         for name, address in self.loopbacks.items()]
        self.cables = [self._link_cable(link) for link in topology.links]
        self.cables += [self._host_cable(host.name) for host in topology.hosts.values()]

    def interfaces_of(self, node: str) -> list[Interface]:
        return [end for cable in self.cables for end in (cable.a, cable.b) if end.node == node]

    def _asn(self, router: str) -> int:
        return self.topology.routers[router].asn

    def _take(self, asn: int, at: int, size: int, skip: int = 0) -> str:
        index = self._used[asn, at]
        self._used[asn, at] += 1
        return str(self.blocks[asn].network_address + at + skip + index * size)

    def _link_cable(self, link: Link) -> Cable:
        kind = "tun" if isinstance(link, Tunnel) else "to"
        names = f"{kind}-{link.b}", f"{kind}-{link.a}"
        if self._asn(link.a) != self._asn(link.b):
            return self._border_cable(link, names)
        base = IPv4Address(self._take(self._asn(link.a), _LINKS_AT, 4))
        ends = (link.a, link.b)
        self.prefixes.append(Prefix(f"{base}/30", ends, ends, link.underlay))
        return Cable(Interface(link.a, names[0], str(base + 1), 30),
                     Interface(link.b, names[1], str(base + 2), 30), link)

    def _border_cable(self, link: Link, names: tuple[str, str]) -> Cable:
        """Each AS numbers its own end, which is a prefix of its own."""
        a, b = (self._take(self._asn(end), _BORDERS_AT, 1, skip=1) for end in (link.a, link.b))
        self.prefixes.append(Prefix(f"{a}/32", (link.a,), (link.a, link.b)))
        self.prefixes.append(Prefix(f"{b}/32", (link.b,), (link.a, link.b)))
        return Cable(Interface(link.a, names[0], a, 32, peer=b),
                     Interface(link.b, names[1], b, 32, peer=a), link)

    def _host_cable(self, host: str) -> Cable:
        router = self.topology.hosts[host].router
        base = IPv4Address(self._take(self._asn(router), _HOSTS_AT, 256))
        self.prefixes.append(Prefix(f"{base}/24", (router,), (router, host)))
        return Cable(Interface(router, f"to-{host}", str(base + 1), 24),
                     Interface(host, "eth0", str(base + 10), 24), None)
