"""The archive of a real controller: each reverse traceroute that was answered is in it once, as the
API showed it, though the controller is killed; M-Lab's queries agree with what the API said."""

import collections
import gzip
import json
import subprocess
import sys
import time
import unittest
from pathlib import Path

import journal
from test_reverse import ReverseTest, setUpModule  # noqa: F401  setUpModule is unittest's
from vantage import ROOT

sys.path.insert(0, str(ROOT))

PATIENCE_S = 30
SYMMETRIC = (11, 12)
QUERY = str(ROOT / "scripts/query")


def bundled(archive, table):
    """The rows of a table's bundles."""
    rows = []
    for bundle in sorted(Path(archive).glob(f"{table}/*/*/*/*.jsonl.gz")):
        with gzip.open(bundle, "rt", encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines]
    return rows


class AnArchive(ReverseTest):
    @property
    def archive(self):
        return self.folder / "archive"

    def kill_and_restart(self):
        self.service.kill("controller")
        self.service.start_controller()
        self.service.wait_until_ready(len(self.vps()))

    def until_bundled(self, ids):
        """The rows of revtr1 once they are all there."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            rows = bundled(self.archive, "revtr1")
            if ids <= {row["raw"]["id"] for row in rows}:
                return rows
            self.assertLess(time.monotonic(), deadline,
                            f"missing: {ids - {row['raw']['id'] for row in rows}}")
            time.sleep(0.1)

    def test_holds_each_path_once_as_the_api_showed_it(self):
        shown = {}
        for round_number in range(3):
            for path in self.ask(self.all_pairs(), use_cache=False, label=f"round {round_number}"):
                shown[path["id"]] = path
            self.kill_and_restart()  # as soon as the last path was shown
        rows = self.until_bundled(set(shown))
        times = collections.Counter(row["raw"]["id"] for row in rows)
        self.assertEqual([one for one in shown if times[one] != 1], [])
        for row in rows:
            path = shown.get(row["raw"]["id"], row["raw"])
            for key, value in row["raw"].items():
                self.assertEqual(path[key], value, key)

    def test_does_not_measure_again_what_was_archived_and_not_yet_shown(self):
        ids = set()
        for _ in range(4):
            before = len(journal.ended(self.archive))
            status, answer = self.service.request("POST", "/api/v1/revtr", {"revtrs": [
                {"src": source, "dst": self.address(destination), "use_cache": False}
                for source, destination in self.all_pairs()]})
            self.assertEqual(status, 200, answer)
            while len(journal.ended(self.archive)) <= before:
                pass  # the first end is written; it is shown a few milliseconds later
            self.kill_and_restart()
            deadline = time.monotonic() + PATIENCE_S
            batch: dict = {"complete": False}
            while not batch["complete"]:
                self.assertLess(time.monotonic(), deadline, batch)
                batch = self.service.get(f"/api/v1/revtr?batchid={answer['batch_id']}")
            ids |= {path["id"] for path in batch["revtrs"]}
        self.kill_and_restart()
        rows = self.until_bundled(ids)
        times = collections.Counter(row["raw"]["id"] for row in rows)
        self.assertEqual([one for one in ids if times[one] != 1], [])

    def test_joins_hops_with_the_measurements_that_showed_them(self):
        paths = self.ask(self.all_pairs(), use_cache=False)
        self.kill_and_restart()
        self.until_bundled({path["id"] for path in paths})
        ids = {table: {row["raw"]["id"] for row in bundled(self.archive, table)}
               for table in ("ping1", "trace1", "traceatlas1")}
        table_of = {3: "traceatlas1", 4: "traceatlas1", 5: "ping1", 6: "ping1", 11: "trace1",
                    12: "trace1"}
        for path in paths:
            for hop in path["revtr_hops"]:
                if hop["hop_type"] in table_of and not path["from_cache"]:
                    self.assertIn(hop["measurement_id"], ids[table_of[hop["hop_type"]]], hop)

    def query(self, number, *days):
        done = subprocess.run([QUERY, str(self.archive), str(ROOT / f"docs/queries/{number}.sql"),
                               *days], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_answers_the_queries_of_mlabs_page(self):
        done = subprocess.run([QUERY, "--install"], capture_output=True, text=True, timeout=400)
        if done.returncode == 3:
            self.skipTest(f"no DuckDB: {done.stderr.strip().splitlines()[-1]}")
        paths = self.ask(self.all_pairs())
        self.kill_and_restart()
        self.until_bundled({path["id"] for path in paths})
        rows = bundled(self.archive, "revtr1")
        days = sorted({row["date"] for row in rows})
        span = ("--day", days[0], "--end-day", days[-1])

        relied_on = [row["raw"]["id"] for day in days for row in self.query(1, "--day", day)]
        self.assertEqual(sorted(relied_on, key=int), [str(one) for one in sorted(
            row["raw"]["id"] for row in rows
            if row["raw"]["stop_reason"] == "REACHES"
            and not row["raw"]["is_try_from_destination_AS"]
            and all(hop["hop_type"] != 12 for hop in row["raw"]["revtr_hops"]))])
        self.assertTrue(relied_on)

        counted: collections.Counter[str] = collections.Counter()
        for day in self.query(2, *span):
            for one in day["daily_summary"]["failure_statistics"]:
                counted[one["fail_reason"]] += int(one["total_occurrences"])
        self.assertEqual(counted, collections.Counter(row["raw"]["fail_reason"] for row in rows))

        traces = collections.Counter((row["date"], row["raw"]["revtr_measurement_id"])
                                     for row in bundled(self.archive, "trace1"))
        joined = collections.Counter((row["revtr_data"]["id"], row["trace_data"]["id"])
                                     for day in days for row in self.query(3, "--day", day))
        expected: collections.Counter[tuple[str, str]] = collections.Counter()
        for row in rows:
            for hop in row["raw"]["revtr_hops"]:
                if traces[row["date"], hop["measurement_id"]]:
                    expected[str(row["raw"]["id"]), str(hop["measurement_id"])] += 1
        self.assertEqual(joined, expected)
        self.assertTrue(any(hop["hop_type"] in SYMMETRIC for row in rows
                            for hop in row["raw"]["revtr_hops"]) == bool(joined))


if __name__ == "__main__":
    unittest.main()
