"""scripts/bench: what it reads from other programs, what it makes of it, and that it runs."""

import json
import subprocess
import sys
import unittest

from vantage import ROOT, program

sys.path.insert(0, str(ROOT / "perf"))

from side_by_side import line_rate, ours, scanners, table, testpmd, wire
from side_by_side.pairs import Comparison

SAMPLES = ROOT / "tests/lab/samples"


def sample(name):
    return (SAMPLES / name).read_text(errors="replace")


class OtherPrograms(unittest.TestCase):
    """Against what they really printed."""

    def test_rates_of_testpmd_without_the_first_and_without_zeros(self):
        rates = testpmd.transmit_rates(sample("testpmd.txt"))
        self.assertEqual(rates, [105013670, 102439764, 101806745])

    def test_rates_of_zmap(self):
        self.assertEqual(scanners.zmap_rates(sample("zmap.txt")), [605e3, 582e3, 584e3, 582e3])

    def test_rates_of_masscan(self):
        rates = scanners.masscan_rates(sample("masscan.txt"))
        self.assertEqual(rates, [624330, 625630, 525190, 603570, 625120, 615320])

    def test_nothing_said_is_no_rate(self):
        for read in (testpmd.transmit_rates, scanners.zmap_rates, scanners.masscan_rates,
                     scanners.scamper_rates):
            self.assertEqual(read(""), [])
            self.assertEqual(read("error: no such device\n"), [])

    def test_subcommands_of_a_help_text(self):
        text = ("A\n\nUsage: x\n\nOptions:\n  -h,--help   Help\n\nSubcommands:\n"
                "  tx                          craft and\n                              send\n"
                "  loop                        there and back\n\nEnd\n")
        self.assertEqual(ours.subcommands(text), {"tx": "craft and send", "loop": "there and back"})

    def test_a_bench_speaks_on_its_last_line(self):
        self.assertEqual(ours.parse('EAL: something\n{"bench":"tx","mpps":1.5}\n')["mpps"], 1.5)

    def test_single_steps_are_in_nanoseconds(self):
        said = ('{"context":{},"benchmarks":['
                '{"name":"craft","run_type":"iteration","cpu_time":12.5,"time_unit":"ns"},'
                '{"name":"slow","run_type":"iteration","cpu_time":2,"time_unit":"us"}]}')
        self.assertEqual(ours.parse_micro(said), {"bench": "micro", "craft": 12.5, "slow": 2000})


class Pairs(unittest.TestCase):
    def test_ratios_are_taken_pair_by_pair(self):
        figure = Comparison("f", "Mpps", "peer", target=3)
        for mine, theirs in ((4, 1), (9, 3), (10, 2)):
            figure.add(mine, theirs)
        self.assertEqual(figure.ratios, [4, 3, 5])
        self.assertEqual(figure.ratio, 4)
        self.assertEqual(figure.spread, (3, 5))
        self.assertTrue(figure.is_met)

    def test_a_target_is_missed(self):
        figure = Comparison("f", "Mpps", "peer", target=3)
        figure.add(2, 1)
        self.assertIs(figure.is_met, False)

    def test_a_figure_without_a_peer_is_judged_by_itself(self):
        self.assertIs(Comparison("f", "ns", target=25, at_most=True, ours=[26, 20, 21]).is_met, True)
        self.assertIs(Comparison("f", "ns", target=25, at_most=True, ours=[26, 27, 21]).is_met, False)

    def test_a_peer_that_did_nothing_makes_no_ratio(self):
        figure = Comparison("f", "Mpps", "peer", target=3)
        figure.add(2, 0)
        self.assertEqual((figure.ratios, figure.ratio, figure.is_met), ([], None, None))
        json.dumps(figure.as_json())

    def test_the_table_is_aligned(self):
        figures = [Comparison("short", "Mpps", "testpmd", 0.8, ours=[8, 9], peer=[10, 10]),
                   Comparison("a longer name", "ns", target=25, at_most=True, ours=[30])]
        head, first, second = table.terminal(figures).splitlines()
        self.assertEqual(first.index("testpmd"), head.index("BESIDE"))
        self.assertTrue(second.endswith("<= 25   NO"), second)
        self.assertIn("0.800 to 0.900", first)

    def test_numbers_have_three_digits_that_count(self):
        shown = [table.number(value) for value in (0.25349, 12.345, 123.45, 1234567.8, None)]
        self.assertEqual(shown, ["0.253", "12.35", "123.5", "1 234 568", ""])


class Lines(unittest.TestCase):
    def test_line_rates_are_the_known_ones(self):
        # 14.88 Mpps are 10GbE's, of the least frame.
        self.assertAlmostEqual(line_rate.line_rate_mpps(60, 10), 14.881, 3)
        self.assertAlmostEqual(line_rate.line_rate_mpps(20, 10), 14.881, 3)
        self.assertAlmostEqual(line_rate.line_rate_mpps(98, 10), 10.246, 3)
        self.assertAlmostEqual(line_rate.line_rate_mpps(60, 100), 148.81, 2)

    def test_destinations_do_not_repeat(self):
        some = {wire.destination(i) for i in range(100_000)}
        self.assertEqual(len(some), 100_000)
        self.assertTrue(all(16 <= int(it.split(".")[0]) < 32 for it in some))


class Bench(unittest.TestCase):
    def test_a_quick_run_says_json(self):
        if program() is None:
            self.skipTest("nothing is built; scripts/build makes it")
        done = subprocess.run([ROOT / "scripts/bench", "--quick", "--json", "--only", "match"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual([it["bench"] for it in said["benches"]["match"]], ["match"])
        self.assertEqual((said["broken"], said["failed"]), ([], {}))
        self.assertEqual(said["figures"][0]["figure"], "match: claim_ns_64m")

    def test_an_unknown_figure_is_named(self):
        if program() is None:
            self.skipTest("nothing is built; scripts/build makes it")
        done = subprocess.run([ROOT / "scripts/bench", "--only", "tx,speed"], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("there is no figure speed", done.stderr)


if __name__ == "__main__":
    unittest.main()
