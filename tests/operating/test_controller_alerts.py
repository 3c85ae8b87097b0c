"""The alert rules of the controller fire when they should, and name what there is."""

import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import alerts
from alerts import METRIC, Rules
from support import ROOT, RunningController

LAST = 180  # minutes at the end, in which something goes wrong
MINUTES = 1440 + 120 + LAST

# What a controller that is well shows: metric, labels, first value, step a minute.
WELL = [
    ("up", "", 1, 0),
    ("backsight_controller_ready", "", 1, 0),
    ("backsight_controller_start_time_seconds", "", 1.7e9, 0),
    ("backsight_controller_turn_age_seconds", "", 0.05, 0),
    ("backsight_controller_requests_accepted_total", "", 0, 60),
    ("backsight_controller_measurements_ended_total", 'reason="reached"', 0, 36),
    ("backsight_controller_measurements_ended_total", 'reason="gap_limit"', 0, 24),
    ("backsight_controller_hops_total", 'technique="6_spoofed_record_route"', 0, 400),
    ("backsight_controller_hops_total", 'technique="12_symmetry_across_ases"', 0, 40),
    ("backsight_controller_runtime_seconds_bucket", 'le="10"', 0, 58),
    ("backsight_controller_runtime_seconds_bucket", 'le="30"', 0, 60),
    ("backsight_controller_runtime_seconds_bucket", 'le="+Inf"', 0, 60),
    ("backsight_controller_runtime_seconds_count", "", 0, 60),
    ("backsight_controller_vantage_points", 'state="ready"', 10, 0),
    ("backsight_controller_vantage_points", 'state="silent"', 1, 0),
    ("backsight_controller_queue_troubles", "", 0, 0),
    ("backsight_controller_statuses_left_out", "", 0, 0),
    ("backsight_controller_source_ready", 'source="ams01"', 1, 0),
    ("backsight_controller_atlas_age_seconds", 'source="ams01"', 86400, 0),
    ("backsight_controller_journal_writable", "", 1, 0),
    ("backsight_controller_archive_writable", "", 1, 0),
    ("backsight_controller_archive_rows_rejected_total", "", 3, 0),
    ("backsight_controller_http_answers_total", 'code="2xx"', 0, 100),
    ("backsight_controller_http_answers_total", 'code="4xx"', 0, 20),
    ("backsight_controller_http_answers_total", 'code="5xx"', 0, 1),
    ("backsight_controller_results_unexpected_total", "", 0, 60),
]


RULES = Rules("backsight-controller.rules.yml", "ctl:9465", WELL, MINUTES, interval=5)


def then(before, after, minutes=LAST):
    """A counter whose step a minute changes so many minutes before the end."""
    return RULES.turn(0, before, after, minutes)


SOURCE = 'source="ams01"'
FIRES: dict[str, tuple[dict, str]] = {
    "BacksightControllerGone": ({"up": RULES.fall(1, 0, LAST)}, ""),
    "BacksightControllerStalled": ({"backsight_controller_turn_age_seconds": (60, 0)}, ""),
    "BacksightControllerRestarting": (
        {"backsight_controller_start_time_seconds": (1.7e9, 60)}, ""),
    "BacksightControllerNotReady": ({"backsight_controller_ready": (0, 0)}, ""),
    "BacksightNoVantagePointReady": (
        {"backsight_controller_vantage_points": {"ready": (0, 0)}}, ""),
    "BacksightVantagePointsLost": (
        {"backsight_controller_vantage_points": {"ready": RULES.fall(10, 6, LAST)}}, ""),
    "BacksightSourceNotReady": ({"backsight_controller_source_ready": (0, 0)}, SOURCE),
    "BacksightQueueDoesNotWork": ({"backsight_controller_queue_troubles": (1, 0)}, ""),
    "BacksightStatusLeftOut": ({"backsight_controller_statuses_left_out": (1, 0)}, ""),
    "BacksightNoVolume": (
        {"backsight_controller_requests_accepted_total": then(60, 0, minutes=45)}, ""),
    "BacksightVolumeFalls": ({"backsight_controller_requests_accepted_total": then(60, 20)}, ""),
    "BacksightReachFalls": ({"backsight_controller_measurements_ended_total": {
        "reached": then(36, 10), "gap_limit": then(24, 50)}}, ""),
    "BacksightSymmetryRises": ({"backsight_controller_hops_total": {
        "12_symmetry_across_ases": then(40, 200)}}, ""),
    "BacksightMeasurementsSlow": ({"backsight_controller_runtime_seconds_bucket": {
        "10": (0, 10)}}, ""),
    "BacksightAtlasOld": ({"backsight_controller_atlas_age_seconds": (400000, 0)}, SOURCE),
    "BacksightJournalNotWritable": ({"backsight_controller_journal_writable": (0, 0)}, ""),
    "BacksightArchiveNotWritable": ({"backsight_controller_archive_writable": (0, 0)}, ""),
    "BacksightArchiveRowsRejected": (
        {"backsight_controller_archive_rows_rejected_total": (0, 1)}, ""),
    "BacksightApiFails": ({"backsight_controller_http_answers_total": {"5xx": (0, 60)}}, ""),
    "BacksightStrangeResults": ({"backsight_controller_results_unexpected_total": (0, 6000)}, ""),
}


class ControllerAlertsTest(alerts.RulesTest):
    rules = RULES
    fires = FIRES
    page = "controller-operations.md"


class ControllerNamesTest(unittest.TestCase):
    def test_the_metrics_that_rules_name_exist(self):
        page = RunningController(self).page("/metrics")
        there = set(re.findall(r"^# TYPE (\S+)", page, re.M))
        manual = set(METRIC.findall((ROOT / "docs/controller-metrics.md").read_text()))
        self.assertGreater(len(RULES.metrics()), 10)
        for name in RULES.metrics():
            self.assertIn(name, there)
            self.assertIn(name, manual)

    def test_the_labels_that_rules_name_exist(self):
        page = RunningController(self).page("/metrics")
        for label, value in set(re.findall(r'(\w+)="(\w+)"', RULES.text())):
            self.assertIn(f'{label}="{value}"', page)


if __name__ == "__main__":
    unittest.main()
