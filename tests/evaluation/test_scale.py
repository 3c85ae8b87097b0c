"""docs/scale.md: the queues against what is known of queues, the arithmetic against the queues."""

import random
import sys
import unittest
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "evaluation"), str(ROOT / "perf")]

from scale import page, sizing
from scale.queueing import Group, Station, simulate
from scale.units import Units, of_runs

UNITS = Units(probes=70, tasks=50, records=60, record_bytes=5000, controller_s=0.0025,
              archive_s=0.0003, archive_bytes=2400, latency_s=1, busiest=2, resident_bytes=5e8, requests=1000)
GROUP = Group(revtrs_per_second=100, controllers=1, controller_s=0.002, sites=20, site_pps=1000,
              probes=12, rounds=3, broker_per_s=1e6)


class Queues(unittest.TestCase):
    def test_a_station_waits_as_the_formula_of_pollaczek_and_khinchine_says(self):
        # M/D/1 at half load waits half a service in the mean.
        draw, station, now = random.Random(7), Station("one", 1.0), 0.0
        for _ in range(200_000):
            now += draw.expovariate(0.5)
            station.serve(now)
        self.assertAlmostEqual(station.mean_wait_s, 0.5 / (2 * (1 - 0.5)), delta=0.02)

    def test_what_begins_ends_but_for_what_is_under_way(self):
        got = simulate(GROUP, 20)
        under_way = got.begun - got.ended
        self.assertEqual(len(got.latencies_s), got.ended)
        # Little's law.
        self.assertAlmostEqual(under_way, 100 * sum(got.latencies_s) / got.ended, delta=30)

    def test_stations_are_as_busy_as_their_load(self):
        got = simulate(GROUP, 20)
        self.assertAlmostEqual(got.busy["controller"], 0.2, delta=0.02)
        self.assertAlmostEqual(got.busy["vantage points' packets"], 100 * 12 / 20_000, delta=0.006)

    def test_the_same_seed_gives_the_same_and_another_one_another(self):
        self.assertEqual(simulate(GROUP, 5, 3).latencies_s, simulate(GROUP, 5, 3).latencies_s)
        self.assertNotEqual(simulate(GROUP, 5, 3).latencies_s, simulate(GROUP, 5, 4).latencies_s)

    def test_more_controllers_take_more(self):
        slow = replace(GROUP, controller_s=0.02)
        self.assertGreater(simulate(slow, 10).behind_s["controller"], 1)
        self.assertLess(simulate(replace(slow, controllers=4), 10).behind_s["controller"], 0.2)


class Limits(unittest.TestCase):
    """The first limit that the arithmetic names is what falls behind, above it and not below."""

    def simulate(self, units, load, site_pps):
        first = sizing.limits(units, 30, site_pps)[0]
        got = simulate(Group(first.revtrs_per_second * load, 1, units.controller_s, 30,
                             site_pps / units.busiest, round(units.probes), 6,
                             units.broker_results_per_s), 12)
        return first.name, got

    def check(self, units, site_pps, expected):
        name, under = self.simulate(units, 0.8, site_pps)
        _, over = self.simulate(units, 1.25, site_pps)
        self.assertEqual(name, expected)
        self.assertLess(under.behind_s[name], 0.3)
        self.assertGreater(over.behind_s[name], max(0.3, 2 * under.behind_s[name]))
        self.assertEqual(max(over.behind_s, key=over.behind_s.get), name)

    def test_of_packets(self):
        self.check(UNITS, 300, "vantage points' packets")

    def test_of_the_controller(self):
        self.check(replace(UNITS, controller_s=0.02), 1000, "controller")

    def test_of_the_broker(self):
        self.check(replace(UNITS, tasks=70, records=70, broker_results_per_s=6000), 1000, "broker")


class Sizes(unittest.TestCase):
    def test_no_site_sends_more_than_it_may_and_no_core_works_more_than_planned(self):
        for revtrs in (1e6, 15e6, 1e8, 1e9):
            for pps in (100, 300, 1000):
                it = sizing.size(UNITS, revtrs, pps)
                self.assertLessEqual(it.probes_per_second / it.sites * UNITS.busiest, pps)
                self.assertLessEqual(it.busy, UNITS.busy_at_most)
                self.assertEqual(it.controllers, it.groups * it.vps_per_site)
                self.assertGreaterEqual(it.sites, it.groups * sizing.SITES_IN_A_GROUP)

    def test_what_a_size_was_planned_for_is_below_its_limits(self):
        it = sizing.size(UNITS, 1e8, 300)
        sites = it.sites // it.groups
        # A third of the servers lead, and each group has its part of them.
        leading = it.brokers / 3 / it.groups
        units = replace(UNITS, broker_messages_per_s=UNITS.broker_messages_per_s * leading,
                        broker_results_per_s=UNITS.broker_results_per_s * leading)
        for limit in sizing.limits(units, sites + 1, 300, it.vps_per_site):
            self.assertGreaterEqual(limit.revtrs_per_second * 1.001, it.per_second / it.groups, limit.name)

    def test_twice_as_many_take_twice_the_bytes_of_the_archive(self):
        self.assertEqual(sizing.size(UNITS, 2e8, 300).archive_bytes_a_day,
                         2 * sizing.size(UNITS, 1e8, 300).archive_bytes_a_day)


class Costs(unittest.TestCase):
    def test_units_are_of_the_runs(self):
        machine: dict = {"cpu_s": 1.0, "controller_cpu_ms_per_revtr": 2.0, "peak_mib": 100}
        plain: dict = {"requests": 100, "parts": [{"probes_per_revtr": it} for it in (1, 2, 3, 4)],
                       "tasks": 400, "records": 500, "record_bytes": 6000, "latency_p50_s": 1.5,
                       "vp_busiest": 2.5, "machine": machine}
        archived = {**plain, "machine": {**machine, "cpu_s": 1.5, "archive_bytes": 70_000}}
        it = of_runs(plain, archived)
        self.assertEqual((it.probes, it.tasks, it.records), (3, 4, 5))
        self.assertAlmostEqual(it.archive_s, 0.005)
        self.assertEqual(it.archive_bytes, 700)

    def test_the_page_is_written_of_them(self):
        self.assertIn("vantage points' packets", page.render(UNITS))


if __name__ == "__main__":
    unittest.main()
