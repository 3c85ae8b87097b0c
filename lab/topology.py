"""What a lab is made of, before any namespace exists: routers, links, hosts. Pure data.

Names of nodes are letters and digits only, so that a namespace `<lab>-<node>` can be read back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_ASN = 64501  # RFC 5398 keeps 64496..64511 for documentation

# What is special about a router.
BALANCES = "balances flows over equal-cost paths"
DROPS_OPTIONS = "drops packets with IP options"
HIDDEN = "hidden below a tunnel"

# What is special about a host.
IGNORES_RECORD_ROUTE = "answers ping but not Record Route"
SILENT = "answers nothing"
BEHIND_DROPPER = "behind the router that drops options"
BEHIND_BALANCER = "behind the equal-cost pair"
BEHIND_TUNNEL = "behind the tunnel"
FAR_AND_NEAR = "more than 8 hops from one vantage point, less than 6 from another"
PLAIN = "plain"

# The same names in every lab, drawn by hand or from a seed.
DESTINATIONS = {
    "plain1": PLAIN,
    "plain2": PLAIN,
    "far": FAR_AND_NEAR,
    "balanced": BEHIND_BALANCER,
    "tunnelled": BEHIND_TUNNEL,
    "filtered": BEHIND_DROPPER,
    "norr": IGNORES_RECORD_ROUTE,
    "silent": SILENT,
}


@dataclass(frozen=True)
class Router:
    name: str
    asn: int
    quirk: str = ""  # BALANCES, DROPS_OPTIONS, HIDDEN or nothing


@dataclass(frozen=True)
class Link:
    """A cable between two routers. Each direction has its own cost."""

    a: str
    b: str
    cost_ab: int
    cost_ba: int
    underlay: bool = False  # carries the tunnel

    def cost_from(self, node: str) -> int:
        return self.cost_ab if node == self.a else self.cost_ba

    def other(self, node: str) -> str:
        return self.b if node == self.a else self.a


@dataclass(frozen=True)
class Tunnel(Link):
    """A VXLAN from `a` to `b` over the routers in `below`, which no probe in it can see."""

    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class Host:
    name: str
    router: str  # its gateway
    special: str  # of a destination, one of the constants above
    is_vp: bool = False


@dataclass
class Topology:
    as_names: dict[int, str]
    routers: dict[str, Router] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    hosts: dict[str, Host] = field(default_factory=dict)

    def add_routers(self, asn: int, *names: str, quirk: str = "") -> None:
        for name in names:
            self.routers[name] = Router(name, asn, quirk)

    def add_vp(self, name: str, router: str) -> None:
        self.hosts[name] = Host(name, router, "vantage point", is_vp=True)

    def add_destination(self, name: str, router: str) -> None:
        self.hosts[name] = Host(name, router, DESTINATIONS[name])

    def vps(self) -> list[Host]:
        return [host for host in self.hosts.values() if host.is_vp]

    def destinations(self) -> list[Host]:
        return [host for host in self.hosts.values() if not host.is_vp]

    def tunnel(self) -> Tunnel:
        return next(link for link in self.links if isinstance(link, Tunnel))

    def links_of(self, router: str) -> list[Link]:
        return [link for link in self.links if router in (link.a, link.b)]

    def with_quirk(self, quirk: str) -> list[str]:
        return [router.name for router in self.routers.values() if router.quirk == quirk]
