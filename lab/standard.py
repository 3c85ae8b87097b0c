"""The standard lab, drawn by hand; its map is in README.md.

Traffic to the east is cheap in the north (alder, cedar), traffic to the west in the south
(dogwood, birch): that is what makes the routes asymmetric.
"""

from __future__ import annotations

from lab.topology import BALANCES, DROPS_OPTIONS, FIRST_ASN, HIDDEN, Link, Topology, Tunnel

ALDER, BIRCH, CEDAR, DOGWOOD, ELM, FIR = range(FIRST_ASN, FIRST_ASN + 6)

# west end, east end, cost eastbound, cost westbound
_LINKS = [
    ("e1", "e2", 10, 30), ("e1", "e3", 30, 10), ("e2", "e3", 20, 20),  # elm
    ("e2", "a1", 10, 60), ("e3", "b1", 60, 10),
    ("a1", "a2", 10, 20), ("a2", "a3", 10, 20), ("a3", "a4", 10, 20),  # alder
    ("a1", "a5", 30, 10), ("a5", "a4", 30, 10),
    ("a3", "b5", 40, 15), ("a4", "b1", 10, 60), ("a5", "d1", 60, 12),
    ("b1", "b5", 40, 10), ("b5", "b4", 40, 10),  # birch, beside the tunnel
    ("b4", "c1", 10, 35), ("b5", "d1", 60, 10),
    ("c1", "c2", 10, 20), ("c1", "c3", 10, 20), ("c2", "c4", 10, 20), ("c3", "c4", 10, 20),  # cedar
    ("c4", "f1", 10, 50), ("c1", "d2", 30, 15),
    ("d1", "d2", 20, 10), ("d2", "d3", 10, 10),  # dogwood
    ("d2", "f2", 50, 10),
    ("f1", "f2", 20, 10), ("f2", "f3", 15, 10), ("f1", "f3", 10, 30),  # fir
]


def standard_topology() -> Topology:
    names = ["alder", "birch", "cedar", "dogwood", "elm", "fir"]
    topology = Topology({FIRST_ASN + i: name for i, name in enumerate(names)})
    topology.add_routers(ALDER, "a1", "a2", "a3", "a4", "a5")
    topology.add_routers(BIRCH, "b1", "b4", "b5")
    topology.add_routers(BIRCH, "b2", "b3", quirk=HIDDEN)
    topology.add_routers(CEDAR, "c1", "c4", quirk=BALANCES)
    topology.add_routers(CEDAR, "c2", "c3")
    topology.add_routers(DOGWOOD, "d1", "d2")
    topology.add_routers(DOGWOOD, "d3", quirk=DROPS_OPTIONS)
    topology.add_routers(ELM, "e1", "e2", "e3")
    topology.add_routers(FIR, "f1", "f2", "f3")

    topology.links += [Link(*row) for row in _LINKS]
    chain = ["b1", "b2", "b3", "b4"]
    topology.links += [Link(a, b, 10, 10, underlay=True) for a, b in zip(chain, chain[1:])]
    topology.links.append(Tunnel("b1", "b4", 10, 10, below=("b2", "b3")))

    for vp, router in {"vp1": "e1", "vp2": "a2", "vp3": "c4", "vp4": "f2", "vp5": "d1"}.items():
        topology.add_vp(vp, router)
    homes = {"plain1": "a4", "plain2": "e3", "far": "f3", "balanced": "f1", "tunnelled": "b4",
             "filtered": "d3", "norr": "c2", "silent": "b5"}
    for destination, router in homes.items():
        topology.add_destination(destination, router)
    return topology
