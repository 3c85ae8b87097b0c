"""What every lab must have, checked on its plan."""

from __future__ import annotations

from collections import Counter

from lab.routing import Routing
from lab.topology import (BALANCES, BEHIND_BALANCER, BEHIND_DROPPER, BEHIND_TUNNEL, DESTINATIONS,
                          DROPS_OPTIONS, FAR_AND_NEAR, HIDDEN, Topology)

MIN_ROUTERS, MIN_ASES, MIN_VPS = 18, 5, 4
MAX_HOSTS_OF_AS = 8  # what its address block has networks for
FAR_ROUTERS = 9  # so many routers fill all nine slots of a Record Route before the destination
NEAR_ROUTERS = 4  # so many leave slots for the way back


def missing_features(topology: Topology) -> list[str]:
    """One sentence for each thing the lab should have and has not."""
    routing = Routing(topology)
    missing = _missing_parts(topology)
    if not missing:
        missing = _missing_paths(topology, routing)
    return missing


def asymmetric_share(topology: Topology, routing: Routing) -> float:
    """Of the pairs of a vantage point and a destination, the share with different ways."""
    pairs = [(v.name, d.name) for v in topology.vps() for d in topology.destinations()]
    return sum(_is_asymmetric(routing, *pair) for pair in pairs) / len(pairs)


def _is_asymmetric(routing: Routing, source: str, destination: str) -> bool:
    forward = routing.host_paths(source, destination)
    backward = [path[::-1] for path in routing.host_paths(destination, source)]
    return not any(path in backward for path in forward)


def _missing_parts(topology: Topology) -> list[str]:
    ases = {router.asn for router in topology.routers.values()}
    hosts = Counter(topology.routers[host.router].asn for host in topology.hosts.values())
    checks = {
        f"fewer than {MIN_ROUTERS} routers": len(topology.routers) >= MIN_ROUTERS,
        f"fewer than {MIN_ASES} ASes": len(ases) >= MIN_ASES,
        f"fewer than {MIN_VPS} vantage points": len(topology.vps()) >= MIN_VPS,
        "not all destinations": {h.name for h in topology.destinations()} == set(DESTINATIONS),
        "no router that drops options": len(topology.with_quirk(DROPS_OPTIONS)) == 1,
        "no hidden routers": len(topology.with_quirk(HIDDEN)) >= 2,
        f"more than {MAX_HOSTS_OF_AS} hosts in an AS": max(hosts.values()) <= MAX_HOSTS_OF_AS,
        "routers not all connected": _is_connected(topology),
    }
    return [sentence for sentence, holds in checks.items() if not holds]


def _is_connected(topology: Topology) -> bool:
    reached = {next(iter(topology.routers))}
    frontier = list(reached)
    while frontier:
        node = frontier.pop()
        fresh = {link.other(node) for link in topology.links_of(node)} - reached
        reached |= fresh
        frontier += fresh
    return reached == set(topology.routers)


def _missing_paths(topology: Topology, routing: Routing) -> list[str]:
    by_special = {host.special: host.name for host in topology.destinations()}
    vps = [vp.name for vp in topology.vps()]

    def from_each_vp(special: str) -> list[list[list[str]]]:
        return [routing.host_paths(vp, by_special[special]) for vp in vps]

    dropper = topology.with_quirk(DROPS_OPTIONS)[0]
    balancers = set(topology.with_quirk(BALANCES))
    far = [len(paths[0]) for paths in from_each_vp(FAR_AND_NEAR)]
    checks = {
        "routes symmetric in most pairs": asymmetric_share(topology, routing) > 0.5,
        "no balanced path": sum(len(paths) == 2 for paths in from_each_vp(BEHIND_BALANCER)) >= 2,
        "not exactly two balancers": len(balancers) == 2,
        "no path in the tunnel": sum(
            _crosses_tunnel(topology, paths[0]) for paths in from_each_vp(BEHIND_TUNNEL)) >= 2,
        "tunnel not over its hidden routers": _tunnel_is_below(topology, routing),
        "a way around the dropper": all(dropper in p[0] for p in from_each_vp(BEHIND_DROPPER)),
        "the dropper carries transit": len(topology.links_of(dropper)) == 1,
        "no far vantage point": max(far) >= FAR_ROUTERS,
        "no near vantage point": min(far) <= NEAR_ROUTERS,
    }
    return [sentence for sentence, holds in checks.items() if not holds]


def _crosses_tunnel(topology: Topology, path: list[str]) -> bool:
    tunnel = topology.tunnel()
    return {tunnel.a, tunnel.b} in [set(step) for step in zip(path, path[1:])]


def _tunnel_is_below(topology: Topology, routing: Routing) -> bool:
    """The kernel carries the tunnel's packets over exactly the hidden routers, both ways."""
    tunnel = topology.tunnel()
    chain = [tunnel.a, *tunnel.below, tunnel.b]
    for way in (chain, chain[::-1]):
        next_hops = routing.next_hops([way[-2], way[-1]], below_tunnel=True)
        if any(next_hops[a] != [b] for a, b in zip(way[:-2], way[1:-1])):
            return False
    return True
