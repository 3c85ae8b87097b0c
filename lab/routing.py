"""Shortest paths with a cost for each direction of a link. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from lab.topology import BALANCES, Link, Topology, Tunnel


class Routing:
    """Next hops of every router towards any set of routers."""

    def __init__(self, topology: Topology):
        self.topology = topology
        self._links = {name: topology.links_of(name) for name in topology.routers}
        self._cache: dict[tuple[frozenset[str], bool], dict[str, list[str]]] = {}

    def next_hops(self, origins: Iterable[str], below_tunnel: bool = False) -> dict[str, list[str]]:
        """For each router, the neighbours it forwards to in order to reach one of `origins`.

        A router that balances has all its equal-cost neighbours, any other one the first by name.
        Prefixes of the tunnel's own underlay are routed `below_tunnel`: without the tunnel, or a
        packet in the tunnel would be routed into the tunnel.
        """
        key = (frozenset(origins), below_tunnel)
        if key not in self._cache:
            self._cache[key] = self._compute(*key)
        return self._cache[key]

    def _usable(self, router: str, below_tunnel: bool) -> list[Link]:
        return [x for x in self._links[router] if not (below_tunnel and isinstance(x, Tunnel))]

    def _distances(self, origins: frozenset[str], below_tunnel: bool) -> dict[str, int]:
        distances = {origin: 0 for origin in origins}
        heap = [(0, origin) for origin in sorted(origins)]
        while heap:
            distance, router = heapq.heappop(heap)
            if distance > distances[router]:
                continue
            for link in self._usable(router, below_tunnel):
                neighbour = link.other(router)
                candidate = distance + link.cost_from(neighbour)  # traffic flows towards `router`
                if candidate < distances.get(neighbour, candidate + 1):
                    distances[neighbour] = candidate
                    heapq.heappush(heap, (candidate, neighbour))
        return distances

    def _compute(self, origins: frozenset[str], below_tunnel: bool) -> dict[str, list[str]]:
        distances = self._distances(origins, below_tunnel)
        result = {}
        for router in distances.keys() - origins:
            best = sorted(
                link.other(router)
                for link in self._usable(router, below_tunnel)
                if link.cost_from(router) + distances[link.other(router)] == distances[router]
            )
            balances = self.topology.routers[router].quirk == BALANCES
            result[router] = best if balances else best[:1]
        return result

    def paths(self, start: str, end: str) -> list[list[str]]:
        """All paths from router to router, both included; the routers below a tunnel are not."""
        next_hops = self.next_hops([end])
        finished, growing = [], [[start]]
        while growing:
            path = growing.pop()
            if path[-1] == end:
                finished.append(path)
                continue
            growing += [path + [hop] for hop in next_hops.get(path[-1], []) if hop not in path]
        return sorted(finished)

    def host_paths(self, source: str, destination: str) -> list[list[str]]:
        """All paths of routers between two hosts."""
        hosts = self.topology.hosts
        return self.paths(hosts[source].router, hosts[destination].router)
