"""The queries of docs/queries/ on bundles that our archive wrote, answered by DuckDB."""

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ROOT, need_program, run

QUERIES = ROOT / "docs/queries"
DAY, NEXT_DAY = "2026-01-01", "2026-01-02"  # of tests/archive/archive_sample.cc


def need_duckdb():
    done = run(str(ROOT / "scripts/query"), "--install")
    if done.returncode == 3:
        raise unittest.SkipTest(f"no DuckDB: {done.stderr.strip().splitlines()[-1]}")
    if done.returncode != 0:
        raise AssertionError(done.stderr)


def query(archive, file, *days):
    done = run(str(ROOT / "scripts/query"), str(archive), str(file), *days)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Sample(unittest.TestCase):
    """An archive of known rows: what each is for stands in tests/archive/archive_sample.cc."""

    archive: Path

    @classmethod
    def setUpClass(cls):
        sample = need_program("archive_sample")
        need_duckdb()
        folder = tempfile.TemporaryDirectory(prefix="backsight-archive-")
        cls.addClassCleanup(folder.cleanup)
        cls.archive = Path(folder.name) / "archive"
        subprocess.run([sample, str(cls.archive)], check=True, timeout=60)

    def query(self, file, *days):
        return query(self.archive, file, *days)

    def test_query_1_gives_the_paths_to_rely_on(self):
        rows = self.query(QUERIES / "1.sql", "--day", DAY)
        self.assertEqual([row["raw"]["id"] for row in rows], ["1", "5", "6", "7", "11"])
        hop = rows[0]["raw"]["revtr_hops"][0]
        self.assertEqual(hop["hop_ip"], "198.51.100.1")
        self.assertEqual((hop["cidr"], hop["asn"]), ("198.51.100.0/24", "64500"))
        self.assertEqual(hop["geolocation_ipinfo"],
                         {"city": "Ghent", "country": "BE", "lat": 51.05, "lng": 3.7167})
        self.assertEqual([row["raw"]["id"] for row in
                          self.query(QUERIES / "1.sql", "--day", NEXT_DAY)], ["12"])

    def test_query_2_counts_failures_by_day_and_reason(self):
        rows = self.query(QUERIES / "2.sql", "--day", DAY, "--end-day", NEXT_DAY)
        self.assertEqual([row["day"] for row in rows], [DAY, NEXT_DAY])
        first, second = (row["daily_summary"] for row in rows)
        self.assertEqual((first["total_measurements"], second["total_measurements"]), ("11", "4"))
        self.assertEqual([(one["fail_reason"], one["total_occurrences"])
                          for one in first["failure_statistics"]],
                         [("", "8"), ("gap_limit", "2"), ("unresponsive", "1")])
        self.assertEqual(second["failure_statistics"],
                         [{"fail_reason": "gap_limit", "total_occurrences": "3",
                           "fraction_total": 0.75},
                          {"fail_reason": "", "total_occurrences": "1", "fraction_total": 0.25}])

    def test_query_3_joins_paths_and_the_traceroutes_behind_their_hops(self):
        rows = self.query(QUERIES / "3.sql", "--day", DAY)
        self.assertEqual([(row["revtr_uuid"], row["trace_data"]["id"], row["revtr_date"])
                          for row in rows], [("ndt-11", "5001", DAY)] * 2)
        self.assertEqual(self.query(QUERIES / "3.sql", "--day", NEXT_DAY), [])

    def test_all_tables_are_there_with_and_without_rows(self):
        counts = {}
        with tempfile.TemporaryDirectory() as folder:
            for table in ("revtr1", "trace1", "traceatlas1", "ping1", "rankedspoofers1"):
                file = Path(folder) / "count.sql"
                file.write_text(f"SELECT count(*) AS rows FROM {table};", encoding="ascii")
                counts[table] = int(self.query(file)[0]["rows"])
        self.assertEqual(counts, {"revtr1": 15, "trace1": 3, "traceatlas1": 0, "ping1": 0,
                                  "rankedspoofers1": 0})

    def test_rows_say_which_bundle_holds_them(self):
        for bundle in self.archive.glob("*/*/*/*/*.jsonl.gz"):
            with gzip.open(bundle, "rt", encoding="utf-8") as lines:
                for line in lines:
                    row = json.loads(line)
                    self.assertEqual(row["archiver"]["ArchiveURL"], f"file://{bundle}")
                    self.assertEqual(row["date"].split("-"), list(bundle.parts[-4:-1]))

    def test_a_folder_is_read_whatever_its_name_means_in_patterns(self):
        with tempfile.TemporaryDirectory(prefix="backsight-archive-") as folder:
            count = Path(folder) / "count.sql"
            count.write_text("SELECT count(*) AS rows FROM revtr1;", encoding="ascii")
            for name in ("arch1", "arch[1]", "archx", "arch*", "a?ch1", "[", "it's"):
                archive = Path(folder) / name
                shutil.copytree(self.archive, archive)
                self.assertEqual(int(query(archive, count)[0]["rows"]), 15, name)
                for bundle in archive.glob("revtr1/*/*/*/*.jsonl.gz"):
                    bundle.unlink()
                self.assertEqual(int(query(archive, count)[0]["rows"]), 0, name)
                shutil.rmtree(archive)
                shutil.copytree(self.archive, archive)

    def test_schemas_in_the_docs_are_the_archives(self):
        for schema in self.archive.glob("schemas/*.json"):
            self.assertEqual((QUERIES / "schemas" / schema.name).read_text(encoding="utf-8"),
                             schema.read_text(encoding="utf-8"),
                             f"copy {schema.name} of any archive's schemas/")

    def test_a_folder_that_is_no_archive_is_refused(self):
        done = run(str(ROOT / "scripts/query"), "/nonexistent", str(QUERIES / "1.sql"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("is no archive", done.stderr)


if __name__ == "__main__":
    unittest.main()
