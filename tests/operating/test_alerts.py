"""The alert rules of a vantage point fire when they should, and they and the dashboard name what there
is."""

import json
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import alerts
from alerts import METRIC, Rules, needs_promtool
from support import ROOT, RunningVp, run

BOARD = ROOT / "config/grafana/backsight.json"

# What a vantage point that is well shows: metric, labels, first value, step a minute.
WELL = [
    ("up", "", 1, 0),
    ("backsight_vp_ready", "", 1, 0),
    ("backsight_vp_silenced", "", 0, 0),
    ("backsight_vp_start_time_seconds", "", 1.7e9, 0),
    ("backsight_vp_worker_busy_seconds_total", 'worker="0"', 0, 30),
    ("backsight_vp_worker_idle_seconds_total", 'worker="0"', 0, 30),
    ("backsight_vp_port_link_up", 'port="net_null0"', 1, 0),
    ("backsight_vp_port_usable", 'port="net_null0"', 1, 0),
    ("backsight_vp_port_interruptions_total", 'port="net_null0"', 7, 0),
    ("backsight_vp_port_gateway_known", 'port="net_null0"', 1, 0),
    ("backsight_vp_put_failures_total", "", 3, 0),
    ("backsight_vp_spool_bytes", "", 2e9, 0),
    ("backsight_vp_results_full_total", "", 5, 0),
    ("backsight_vp_port_rx_missed_total", 'port="net_null0"', 7, 0),
    ("backsight_vp_port_rx_no_buffer_total", 'port="net_null0"', 7, 0),
    ("backsight_vp_port_rx_errors_total", 'port="net_null0"', 7, 0),
    ("backsight_vp_port_tx_errors_total", 'port="net_null0"', 7, 0),
    ("backsight_vp_inflight_full_total", "", 9, 0),
    ("backsight_vp_transmit_full_total", "", 9, 0),
    ("backsight_vp_no_buffer_total", "", 9, 0),
    ("backsight_vp_results_total", 'outcome="replied"', 0, 6000),
    ("backsight_vp_results_total", 'outcome="timed_out"', 0, 4000),
    ("backsight_vp_replies_total", 'outcome="matched"', 0, 6000),
    ("backsight_vp_replies_total", 'outcome="bad_tag"', 0, 60),
    ("backsight_vp_reload_failures_total", "", 1, 0),
]

# What of it differs when an alert is to fire, and the labels that the alert has besides. A metric's
# step is for all its samples.
PORT = 'port="net_null0"'
FIRES: dict[str, tuple[dict, str]] = {
    "BacksightVantagePointGone": ({"up": (0, 0)}, ""),
    "BacksightWorkerStalled": ({"backsight_vp_worker_busy_seconds_total": (70, 0),
                                "backsight_vp_worker_idle_seconds_total": (70, 0)}, 'worker="0"'),
    "BacksightRestarting": ({"backsight_vp_start_time_seconds": (1.7e9, 60)}, ""),
    "BacksightNotReady": ({"backsight_vp_ready": (0, 0)}, ""),
    "BacksightSilenced": ({"backsight_vp_silenced": (1, 0)}, ""),
    "BacksightLinkDown": ({"backsight_vp_port_link_up": (0, 0)}, PORT),
    "BacksightPortHeld": ({"backsight_vp_port_usable": (0, 0)}, PORT),
    "BacksightPortFlaps": ({"backsight_vp_port_interruptions_total": (0, 1)}, PORT),
    "BacksightGatewaySilent": ({"backsight_vp_port_gateway_known": (0, 0)}, PORT),
    "BacksightResultsNotWritten": ({"backsight_vp_put_failures_total": (0, 60)}, ""),
    "BacksightSpoolGrows": ({"backsight_vp_spool_bytes": (2e9, 1000)}, ""),
    "BacksightControlBehind": ({"backsight_vp_results_full_total": (0, 5)}, ""),
    "BacksightReceivesTooSlowly": ({"backsight_vp_port_rx_missed_total": (0, 600)}, PORT),
    "BacksightPortErrors": ({"backsight_vp_port_tx_errors_total": (0, 600)}, PORT),
    "BacksightInflightFull": ({"backsight_vp_inflight_full_total": (0, 5)}, ""),
    "BacksightTransmitFull": ({"backsight_vp_transmit_full_total": (0, 5)}, ""),
    "BacksightNoBuffers": ({"backsight_vp_no_buffer_total": (0, 5)}, ""),
    "BacksightNothingAnswers": ({"backsight_vp_results_total": {"replied": (0, 1),
                                                                "timed_out": (0, 4000)}}, ""),
    "BacksightRepliesForged": ({"backsight_vp_replies_total": {"matched": (0, 60),
                                                               "bad_tag": (0, 6000)}}, ""),
    "BacksightReloadFailed": ({"backsight_vp_reload_failures_total": (0, 1)}, ""),
}


RULES = Rules("backsight.rules.yml", "ams01:9464", WELL, minutes=180)


class AlertsTest(alerts.RulesTest):
    rules = RULES
    fires = FIRES
    page = "operations.md"

    @needs_promtool
    def test_an_alert_says_who_and_how_much(self):
        changes, _ = FIRES["BacksightReceivesTooSlowly"]
        self.judge([{"interval": "1m", "input_series": RULES.series(changes), "alert_rule_test": [{
            "eval_time": "30m", "alertname": "BacksightReceivesTooSlowly", "exp_alerts": [{
                "exp_labels": {"instance": "ams01:9464", "job": "backsight", "port": "net_null0",
                               "severity": "ticket"},
                "exp_annotations": {
                    "summary": "ams01:9464: port net_null0 drops 10 packets/s",
                    "description": "Replies are lost, results say timed_out. More workers, a core "
                                   "of their own, or more rx_descriptors."}}]}]}])


class NamesTest(unittest.TestCase):
    """What rules and dashboard name is on the page of a running vantage point."""

    rules: set[str]
    board: dict
    expressions: list[str]

    @classmethod
    def setUpClass(cls):
        cls.rules = RULES.metrics()
        cls.board = json.loads(BOARD.read_text(encoding="utf-8"))
        expressions = [target["expr"] for panel in cls.board["panels"]
                       for target in panel.get("targets", [])]
        cls.expressions = expressions + [note["expr"] for note in cls.board["annotations"]["list"]]

    def test_the_metrics_exist(self):
        page = RunningVp(self).page("/metrics")
        there = set(re.findall(r"^# TYPE (\S+)", page, re.M))
        manual = set(METRIC.findall((ROOT / "docs/metrics.md").read_text(encoding="utf-8")))
        board = set(METRIC.findall(json.dumps(self.board)))
        self.assertGreater(len(self.rules), 15)
        self.assertGreater(len(board), 30)
        for name in self.rules | board:
            self.assertIn(name, there)
            self.assertIn(name, manual)

    def test_the_labels_exist(self):
        labels = set(re.findall(r'([a-z_]+)="', RunningVp(self).page("/metrics")))
        text = RULES.text() + json.dumps(self.board)
        for name in set(re.findall(r"\{\{ ?\$labels\.(\w+) ?\}\}|\{\{(\w+)\}\}", text)):
            self.assertIn(name[0] or name[1], labels | {"instance", "job"})

    def test_the_dashboard_takes_its_data_source_from_a_variable(self):
        variables = {it["name"]: it for it in self.board["templating"]["list"]}
        self.assertEqual(variables["datasource"]["type"], "datasource")
        self.assertEqual(variables["datasource"]["query"], "prometheus")
        sources = [panel["datasource"]["uid"] for panel in self.board["panels"]
                   if panel["type"] != "row"]
        sources += [target["datasource"]["uid"] for panel in self.board["panels"]
                    for target in panel.get("targets", [])]
        self.assertEqual(set(sources), {"${datasource}"})

    def test_the_panels_neither_overlap_nor_share_an_id(self):
        places = [panel["gridPos"] for panel in self.board["panels"]]
        cells = [(x, y) for it in places for x in range(it["x"], it["x"] + it["w"])
                 for y in range(it["y"], it["y"] + it["h"])]
        self.assertEqual(len(cells), len(set(cells)))
        self.assertLessEqual(max(it["x"] + it["w"] for it in places), 24)
        ids = [panel["id"] for panel in self.board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))

    @needs_promtool
    def test_the_expressions_can_be_read(self):
        rules = [{"record": f"panel:{i}",
                  "expr": text.replace("$__rate_interval", "1m").replace("$instance", ".*")}
                 for i, text in enumerate(self.expressions)]
        with tempfile.TemporaryDirectory(prefix="backsight-test-") as folder:
            file = Path(folder) / "panels.yml"
            file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}),
                            encoding="ascii")
            done = run("promtool", "check", "rules", str(file))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
