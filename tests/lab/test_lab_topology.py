"""The plan of a lab: pure, no namespace is made."""

import functools
import sys
import unittest
from collections import Counter
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab import record
from lab.addressing import Addressing
from lab.features import asymmetric_share, missing_features
from lab.routing import Routing
from lab.seeded import seeded_topology
from lab.standard import standard_topology
from lab.topology import BALANCES, DROPS_OPTIONS, Link, Topology

SEEDS = range(21)


drawn_once = functools.cache(seeded_topology)


class EveryTopology(unittest.TestCase):
    topologies: dict[str, Topology]

    @classmethod
    def setUpClass(cls):
        cls.topologies = {f"seed {seed}": drawn_once(seed) for seed in SEEDS}
        cls.topologies["standard"] = standard_topology()

    def each(self):
        for name, topology in self.topologies.items():
            with self.subTest(name):
                yield topology

    def test_has_every_feature_of_the_lab(self):
        for topology in self.each():
            self.assertEqual(missing_features(topology), [])

    def test_has_18_to_30_routers_in_5_to_8_ases(self):
        for topology in self.each():
            self.assertIn(len(topology.routers), range(18, 31))
            self.assertIn(len(topology.as_names), range(5, 9))

    def test_is_asymmetric_in_most_pairs(self):
        for topology in self.each():
            self.assertGreater(asymmetric_share(topology, Routing(topology)), 0.5)

    def test_routes_every_prefix_without_loops_and_from_everywhere(self):
        for topology in self.each():
            routing = Routing(topology)
            for prefix in Addressing(topology).prefixes:
                next_hops = routing.next_hops(prefix.origins, prefix.below_tunnel)
                for router in topology.routers:
                    self.assertTrue(ends(next_hops, router, set(prefix.origins)),
                                    f"{router} to {prefix.network}")

    def test_gives_every_interface_an_address_of_its_own_in_its_as(self):
        for topology in self.each():
            addressing = Addressing(topology)
            gateways = {c.a.address for c in addressing.cables if c.link is None}
            ends_of_cables = [end for c in addressing.cables for end in (c.a, c.b)]
            addresses = [end.address for end in ends_of_cables] + [*addressing.loopbacks.values()]
            self.assertEqual([a for a, n in Counter(addresses).items() if n > 1], [])
            self.assertEqual(len(gateways), len(topology.hosts))
            for end in ends_of_cables:
                router = topology.hosts[end.node].router if end.node in topology.hosts else end.node
                block = addressing.blocks[topology.routers[router].asn]
                self.assertIn(IPv4Address(end.address), block)

    def test_gives_interfaces_names_that_fit_the_kernel_and_are_unique_in_their_node(self):
        for topology in self.each():
            ends_of_cables = [end for c in Addressing(topology).cables for end in (c.a, c.b)]
            names = Counter((end.node, end.name) for end in ends_of_cables)
            self.assertEqual(max(names.values()), 1)
            self.assertLessEqual(max(len(name) for _, name in names), 15)


def ends(next_hops, router, origins, visited=()):
    """Whether all branches from the router end at an origin and none comes back to a router."""
    if router in origins:
        return True
    if router in visited or not next_hops.get(router):
        return False
    return all(ends(next_hops, hop, origins, (*visited, router)) for hop in next_hops[router])


class SeededTopology(unittest.TestCase):
    def test_is_the_same_for_the_same_seed(self):
        for seed in SEEDS:
            self.assertEqual(seeded_topology(seed), drawn_once(seed))

    def test_is_another_for_another_seed(self):
        drawn = [repr(drawn_once(seed)) for seed in SEEDS]
        self.assertEqual(len(set(drawn)), len(drawn))


class ShortestPaths(unittest.TestCase):
    def square(self, quirk=""):
        topology = Topology({64501: "square"})
        topology.add_routers(64501, "n", "e", "s", "w", quirk=quirk)
        topology.links = [Link("n", "e", 1, 9), Link("e", "s", 1, 9), Link("n", "w", 9, 1),
                          Link("w", "s", 9, 1)]
        return topology

    def test_cost_what_the_direction_of_travel_costs(self):
        routing = Routing(self.square())
        self.assertEqual(routing.paths("n", "s"), [["n", "e", "s"]])
        self.assertEqual(routing.paths("s", "n"), [["s", "w", "n"]])

    def test_branch_only_at_routers_that_balance(self):
        for quirk, count in (("", 1), (BALANCES, 2)):
            topology = self.square(quirk)
            topology.links = [Link(link.a, link.b, 5, 5) for link in topology.links]
            self.assertEqual(len(Routing(topology).paths("n", "s")), count)


class MissingFeatures(unittest.TestCase):
    def test_names_what_is_not_there(self):
        topology = standard_topology()
        del topology.hosts["vp1"], topology.hosts["vp2"]
        self.assertEqual(missing_features(topology), ["fewer than 4 vantage points"])

    def test_notices_a_way_around_the_router_that_drops_options(self):
        topology = standard_topology()
        [dropper] = topology.with_quirk(DROPS_OPTIONS)
        topology.links.append(Link(dropper, "f2", 1, 1))
        self.assertIn("the dropper carries transit", missing_features(topology))

    def test_notices_that_the_tunnel_is_never_used(self):
        topology = standard_topology()
        topology.links = [replace(link, cost_ab=500, cost_ba=500) if link == topology.tunnel()
                          else replace(link, underlay=False) for link in topology.links]
        self.assertIn("no path in the tunnel", missing_features(topology))


class Record(unittest.TestCase):
    def test_writes_prefixes_as_caida_does(self):
        lab = record.of("x", Addressing(standard_topology()), None, False)
        self.assertEqual(record.extra_files(lab)["pfx2as.txt"].splitlines()[0],
                         "198.18.16.0\t20\t64501")

    def test_writes_the_aliases_of_each_router_on_one_line(self):
        lab = record.of("x", Addressing(standard_topology()), None, False)
        lines = record.extra_files(lab)["aliases.txt"].splitlines()
        self.assertEqual(len(lines), len(lab["routers"]))
        self.assertEqual(len(" ".join(lines).split()), len(set(" ".join(lines).split())))


if __name__ == "__main__":
    unittest.main()
