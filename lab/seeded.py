"""Labs drawn from a seed: other sizes, links and costs, the same features.

A drawing is random around three fixed figures: a tunnel over two hidden routers, an equal-cost
pair, and a router that drops options at the end of a branch. Drawings that miss a feature are
thrown away and the next is drawn from the same generator, so a seed always gives the same lab.
"""

from __future__ import annotations

import random
from itertools import combinations

from lab.features import missing_features
from lab.routing import Routing
from lab.topology import BALANCES, DROPS_OPTIONS, FIRST_ASN, HIDDEN, Link, Topology, Tunnel

_NAMES = ["alder", "birch", "cedar", "dogwood", "elm", "fir", "gorse", "hazel"]
_TUNNEL_AS, _BALANCED_AS, _DROPPER_AS = FIRST_ASN, FIRST_ASN + 1, FIRST_ASN + 2
_MAX_ROUTERS = 30
_MAX_DRAWINGS = 2000
_FIGURE_COST = 10  # of each link in the tunnel and in the equal-cost pair, both ways


def seeded_topology(seed: int) -> Topology:
    generator = random.Random(seed)
    for _ in range(_MAX_DRAWINGS):
        topology = _draw(generator)
        if topology and not missing_features(topology):
            return topology
    raise RuntimeError(f"no lab with every feature in {_MAX_DRAWINGS} drawings from seed {seed}")


def _draw(generator: random.Random) -> Topology | None:
    topology = Topology({FIRST_ASN + i: name
                         for i, name in enumerate(_NAMES[:generator.randint(5, 8)])})
    members = {asn: _draw_as(generator, topology, asn) for asn in topology.as_names}
    if len(topology.routers) > _MAX_ROUTERS:
        return None
    _join_ases(generator, topology, members)
    _place_hosts(generator, topology)
    return topology


def _draw_as(generator: random.Random, topology: Topology, asn: int) -> list[str]:
    """Adds an AS's routers and inner links; returns the routers that may have other links."""
    letter = topology.as_names[asn][0]
    if asn == _TUNNEL_AS:
        return _draw_tunnel(topology, asn, letter)
    if asn == _BALANCED_AS:
        return _draw_equal_cost_pair(topology, asn, letter)
    routers = [f"{letter}{i}" for i in range(1, generator.randint(2, 5) + 1)]
    topology.add_routers(asn, *routers)
    for a, b in zip(routers, routers[1:]):
        topology.links.append(_random_link(generator, a, b))
    if len(routers) > 3:
        topology.links.append(_random_link(generator, routers[0], routers[-1]))
    if asn == _DROPPER_AS:
        dropper = f"{letter}{len(routers) + 1}"
        topology.add_routers(asn, dropper, quirk=DROPS_OPTIONS)
        topology.links.append(_random_link(generator, routers[-1], dropper))
    return routers


def _random_link(generator: random.Random, a: str, b: str) -> Link:
    """Cheap one way and dear the other, which is what makes routes asymmetric."""
    costs = [generator.randint(8, 30), generator.randint(30, 90)]
    generator.shuffle(costs)
    return Link(a, b, costs[0], costs[1])


def _draw_tunnel(topology: Topology, asn: int, letter: str) -> list[str]:
    ends, hidden = (f"{letter}1", f"{letter}4"), (f"{letter}2", f"{letter}3")
    topology.add_routers(asn, *ends)
    topology.add_routers(asn, *hidden, quirk=HIDDEN)
    chain = [ends[0], *hidden, ends[1]]
    topology.links += [Link(a, b, _FIGURE_COST, _FIGURE_COST, underlay=True)
                       for a, b in zip(chain, chain[1:])]
    topology.links.append(Tunnel(*ends, _FIGURE_COST, _FIGURE_COST, below=hidden))
    return list(ends)


def _draw_equal_cost_pair(topology: Topology, asn: int, letter: str) -> list[str]:
    ends, middle = (f"{letter}1", f"{letter}4"), (f"{letter}2", f"{letter}3")
    topology.add_routers(asn, *ends, quirk=BALANCES)
    topology.add_routers(asn, *middle)
    topology.links += [Link(end, router, _FIGURE_COST, _FIGURE_COST)
                       for end in ends for router in middle]
    return list(ends)


def _join_ases(generator: random.Random, topology: Topology, members: dict[int, list[str]]) -> None:
    """A chain of all ASes, so that some paths are long, and a few links across it."""
    order = list(members)
    generator.shuffle(order)
    borders = [(_pick(generator, members[a]), _pick(generator, members[b]))
               for a, b in zip(order, order[1:])]
    across = [pair for pair in combinations(order, 2)
              if order.index(pair[1]) - order.index(pair[0]) in (2, 3)]
    for a, b in generator.sample(across, min(len(across), generator.randint(2, 4))):
        borders.append((_pick(generator, members[a]), _pick(generator, members[b])))
    for a, b in zip(order, order[1:]):  # a second link between some neighbours
        if generator.random() < 0.4:
            borders.append((_pick(generator, members[a]), _pick(generator, members[b])))
    topology.links += [_random_link(generator, a, b) for a, b in dict.fromkeys(borders)]


def _pick(generator: random.Random, routers: list[str]) -> str:
    return generator.choice(routers)


def _place_hosts(generator: random.Random, topology: Topology) -> None:
    """Vantage points anywhere; destinations where they can show what they are for."""
    dropper = topology.with_quirk(DROPS_OPTIONS)[0]
    homes = [name for name, router in topology.routers.items()
             if name != dropper and router.quirk != HIDDEN]
    for i, router in enumerate(generator.sample(homes, generator.randint(4, 6)), 1):
        topology.add_vp(f"vp{i}", router)
    tunnel_end = _pick(generator, [topology.tunnel().a, topology.tunnel().b])
    balanced_home = _pick(generator, topology.with_quirk(BALANCES))
    for name in ("plain1", "plain2", "norr", "silent"):
        topology.add_destination(name, _pick(generator, homes))
    topology.add_destination("far", _far_home(topology, homes))
    topology.add_destination("balanced", balanced_home)
    topology.add_destination("tunnelled", tunnel_end)
    topology.add_destination("filtered", dropper)


def _far_home(topology: Topology, homes: list[str]) -> str:
    """The router whose distances from the vantage points differ most."""
    routing = Routing(topology)

    def spread(home: str) -> int:
        lengths = [len(routing.paths(vp.router, home)[0]) for vp in topology.vps()]
        return max(lengths) - min(lengths)

    return max(homes, key=spread)
