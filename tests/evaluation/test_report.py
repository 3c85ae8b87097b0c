"""scripts/evaluate: what it makes of runs, what it draws and writes, and that it runs."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "evaluation"), str(ROOT / "perf")]

from report import both, cost, hour, page, plots, rows, svg
from report.merge import merge, quantile
from report.runs import Plan

PLAN = Plan(ases=2000, vantage_points=40, world_seeds=(1, 2), sources=8, requests=10, rate=20, jobs=2)
DESCRIBED = {"cpu": "some", "cores": "2", "dpdk": "none"}


def run(seed, **other):
    """What backsight-evaluate prints, of ten requests that all took a second."""
    scores = {"paths": 8, "complete": 6, "missing_one": 1, "missing_more": 0, "wrong": 1}
    part = {"requests": 2, "simulated_s": 1.0, "latency_p50_s": 1.0, "latency_p90_s": 1.0,
            "latency_p99_s": 1.0, "probes_per_revtr": 50.0}
    return {"planner": "backsight", "world_seed": seed, "requests": 10, "destination_ases": 9,
            "as_complete": 0.75, "as_missing_one": 0.125, "as_wrong": 0.125, "router_right": 0.9,
            "as_of_measured": scores, "as_of_measured_strict": scores, "as_of_all": scores,
            "routers": 100, "routers_found": 80, "reached": 9, "measured": 8, "coverage": 0.9,
            "coverage_measured": 0.8, "failures": {"gap_limit": 1}, "packets": 500,
            "hops_by_type": {"5": {"right": 9, "wrong": 1, "unknown": 2, "share_right": 0.9}},
            "latency_p50_s": 1.0, "latency_p90_s": 1.0, "probes_per_revtr": 50.0,
            "latency_histogram": [[1.01, 9]], "parts": [part] * 4,
            "machine": {"wall_s": 1.0, "cpu_s": 0.5, "peak_mib": 100,
                        "controller_cpu_ms_per_revtr": 2.0}, **other}


def merged():
    """One world's run as the table and the page get it: as if the baseline were no other."""
    each = [[2, 4, 1, 0, 1], [4, 5, 0, 3, 1]]
    it = merge([run(1)])
    it["of_both"], _ = both.compare([run(1, each=each)], [run(1, each=each)])
    return it


class OfBoth(unittest.TestCase):
    def test_only_paths_that_both_have_and_measured_count_world_by_world(self):
        ours = [run(1, each=[[2, 4, 1, 0, 1], [4, 9, 0, 3, 1], [6, 1, 1, 0, 1]]),
                run(2, each=[[2, 1, 0, 1, 1]])]
        theirs = [run(1, each=[[2, 3, 2, 3, 1], [6, 8, 0, 0, 0], [8, 8, 0, 0, 1]]),
                  run(2, each=[[4, 8, 0, 0, 1], [2, 2, 3, 0, 1]])]
        mine, others = both.compare(ours, theirs)
        self.assertEqual(mine, {"paths": 2, "router_right": 5 / 6, "as_complete": 0.5, "as_wrong": 0})
        self.assertEqual(others, {"paths": 2, "router_right": 0.5, "as_complete": 0.5, "as_wrong": 0.5})

    def test_where_there_are_none_there_is_no_share(self):
        mine, _ = both.compare([run(1, each=[[2, 4, 1, 0, 1]])], [run(1, each=[])])
        self.assertEqual(mine, {"paths": 0, "router_right": None, "as_complete": None,
                                "as_wrong": None})


class Merging(unittest.TestCase):
    def test_counts_are_added_and_shares_are_of_the_sums(self):
        other = {"paths": 2, "complete": 2, "missing_one": 0, "missing_more": 0, "wrong": 0}
        both = merge([run(1), run(2, as_of_measured=other, requests=30, reached=11)])
        self.assertEqual(both["as_complete"], 8 / 10)
        self.assertEqual(both["as_wrong"], 1 / 10)
        self.assertEqual(both["coverage"], 20 / 40)
        self.assertEqual(both["probes_per_revtr"], 1000 / 40)
        self.assertEqual(both["revtrs_per_second"], 40 / 2)
        self.assertEqual(both["failures"], {"gap_limit": 2})

    def test_hops_of_a_type_that_one_world_lacks(self):
        other = {"12": {"right": 1, "wrong": 1, "unknown": 0, "share_right": 0.5}}
        both = merge([run(1), run(2, hops_by_type=other)])
        self.assertEqual(both["router_right"], 10 / 12)
        self.assertEqual(list(both["hops_by_type"]), ["5", "12"])

    def test_nothing_measured_has_no_share(self):
        none = dict.fromkeys(("paths", "complete", "missing_one", "missing_more", "wrong"), 0)
        self.assertIsNone(merge([run(1, as_of_measured=none)])["as_complete"])

    def test_quantiles_of_histograms_are_those_of_both_together(self):
        both = merge([run(1, latency_histogram=[[1.0, 6]]), run(2, latency_histogram=[[1.0, 1], [8.0, 3]])])
        self.assertEqual(both["latency_histogram"], [[1.0, 7], [8.0, 3]])
        self.assertAlmostEqual(both["latency_p50_s"], 1.0, delta=0.02)
        self.assertAlmostEqual(both["latency_p90_s"], 8.0, delta=0.1)

    def test_quantile_of_nothing_is_zero(self):
        self.assertEqual(quantile([], 0.5), 0)


class Costs(unittest.TestCase):
    def test_a_day_of_86400_with_100_probes_each_is_100_a_second(self):
        day = cost.of_day(86_400, 100, 20)
        self.assertEqual((day.pps, day.pps_of_each), (100, 5))
        self.assertEqual(day.vantage_points_at, {100: 1, 300: 1, 1000: 1})

    def test_what_a_fleet_suffices_for_needs_just_that_fleet(self):
        most = cost.most_a_day(80, 150, 300)
        self.assertEqual(cost.of_day(most, 80, 150).vantage_points_at[300], 150)


class Drawing(unittest.TestCase):
    def test_plots_are_well_formed_labelled_and_know_both_schemes(self):
        it = merge([run(1)])
        for name, text in plots.all_of(it).items():
            with self.subTest(name):
                words = [node.text for node in xml.fromstring(text).iter() if node.text]
                self.assertTrue(any("%" in word for word in words), "no unit")
                self.assertIn("prefers-color-scheme: dark", text)
                self.assertNotIn("nan", text.lower().replace("name", ""))

    def test_bars_are_as_high_as_their_shares(self):
        text = svg.share_bars("t", "a", "x", "y", ["one"], [svg.Series("s", [0.5]), svg.Series("n", [None])])
        bars = [node for node in xml.fromstring(text).iter() if node.get("height") and node.get("width")
                and "rect" in node.tag and float(node.attrib["height"]) > 12]
        self.assertEqual(len(bars), 1)
        self.assertAlmostEqual(float(bars[0].attrib["height"]), (svg._y(0) - svg._y(1)) / 2, delta=0.1)

    def test_words_are_escaped(self):
        xml.fromstring(svg.share_bars("a < b & c", "", "", "", ["<"], [svg.Series("&", [1])]))


class Writing(unittest.TestCase):
    def test_tables_have_a_cell_for_each_column(self):
        it = merged()
        for theirs in (None, it):
            for line in rows.rows(it, theirs, 40):
                self.assertEqual(len(line), len(rows.head(theirs)), line)

    def test_nothing_of_ours_is_set_beside_rules_that_are_called_another_systems(self):
        it = merged()
        for text in (page.render(it, PLAN, DESCRIBED), page.PAGE.read_text(), (ROOT / "README.md").read_text(),
                     rows.terminal(rows.head(it), rows.rows(it, it, 40)), *plots.all_of(it).values()):
            self.assertNotIn("2.0's rules", text.replace("&#x27;", "'"))
            self.assertNotIn("by the rules", text)

    def test_the_baseline_is_named_for_what_it_is_and_is_on_no_page(self):
        it = merged()
        self.assertIn("baseline of reduced rules", rows.head(it))
        self.assertNotIn("baseline", page.render(it, PLAN, DESCRIBED))
        self.assertNotIn("baseline", json.loads((page.FOLDER / "figures.json").read_text()))

    def test_the_page_names_each_plot(self):
        it = merged()
        text = page.render(it, PLAN, DESCRIBED)
        for name in plots.all_of(it):
            self.assertIn(f"](evaluation/{name})", text)

    def test_of_an_hour_each_quarter_is_told(self):
        machine = {**run(1)["machine"], "revtrs_per_cpu_second": 700.0,
                   "parts": [{"resident_mib": 500 + at, "revtrs_per_second": 300.0} for at in range(4)]}
        text = hour.section({**run(1), "ases": 1000, "requests_per_second": 5, "machine": machine})
        for at in range(4):
            self.assertIn(str(500 + at), text)

    def test_the_page_in_the_tree_names_plots_that_are_there(self):
        if not page.PAGE.exists():
            self.skipTest("docs/evaluation.md was not written yet")
        for name in plots.all_of(merge([run(1)])):
            self.assertTrue((page.FOLDER / name).is_file(), name)


@unittest.skipUnless(os.environ.get("BACKSIGHT_BIN"), "BACKSIGHT_BIN does not say where the programs are")
class Running(unittest.TestCase):
    def evaluate(self, *options):
        return subprocess.run([ROOT / "scripts/evaluate", *options], capture_output=True, text=True,
                              timeout=280)

    def test_quick_prints_one_object_with_the_baseline_only_where_it_was_asked_for(self):
        alone = self.evaluate("--quick", "--json", "--requests", "20")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assertNotIn("baseline", json.loads(alone.stdout))
        done = self.evaluate("--quick", "--json", "--requests", "200", "--baseline")
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        for it in (said, said["baseline"]):
            for key in ("as_complete", "as_missing_one", "as_wrong", "router_right", "coverage",
                        "latency_p50_s", "probes_per_revtr", "revtrs_per_second"):
                self.assertGreaterEqual(it[key], 0, key)
            self.assertEqual(it["requests"], 200)
        # The planner that does not wait for what was answered is quicker at the slow end.
        self.assertLess(said["latency_p90_s"], said["baseline"]["latency_p90_s"])

    def test_wrong_usage_is_told(self):
        self.assertEqual(self.evaluate("--worlds", "0").returncode, 2)
        self.assertEqual(self.evaluate("--nonsense").returncode, 2)

    def test_a_run_that_fails_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "backsight-evaluate"
            program.write_text("#!/bin/sh\necho 'evaluate: no such Internet' >&2\nexit 1\n")
            program.chmod(0o755)
            done = subprocess.run([ROOT / "scripts/evaluate", "--quick"], capture_output=True, text=True,
                                  timeout=60, env={**os.environ, "BACKSIGHT_BIN": folder})
        self.assertEqual(done.returncode, 1)
        self.assertIn("no such Internet", done.stderr)


if __name__ == "__main__":
    unittest.main()
