"""Alert rules judged by promtool (Debian's package prometheus): they fire when they should, and stay
quiet when they should."""

import json
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ROOT, run

METRIC = re.compile(r"\bbacksight_[a-z0-9_]+")
needs_promtool = unittest.skipUnless(shutil.which("promtool"),
                                     "no promtool; Debian's package prometheus has it")


class Rules:
    """A file of rules, and series under which none of them fires.

    `well`: metric, labels, first value, step a minute, of what is well, for so many `minutes`, looked
    at every `interval` minutes."""

    def __init__(self, file, instance, well, minutes, interval=1):
        self.file = ROOT / "config/prometheus" / file
        self.instance = f'instance="{instance}",job="backsight"'
        self.well = well
        self.minutes = minutes
        self.interval = interval

    def line(self, first, step):
        """A series that begins at `first` and grows by `step` a minute."""
        return f"{first:g}+{step * self.interval:g}x{self.minutes // self.interval}"

    def turn(self, first, before, after, last_minutes):
        """One that grows otherwise in the last minutes."""
        early = (self.minutes - last_minutes) // self.interval
        late = last_minutes // self.interval
        at = first + before * self.interval * early
        return f"{first:g}+{before * self.interval:g}x{early} {at:g}+{after * self.interval:g}x{late}"

    def fall(self, first, last, last_minutes):
        """One that has another value in the last minutes."""
        early = (self.minutes - last_minutes) // self.interval
        return f"{first:g}+0x{early} {last:g}+0x{last_minutes // self.interval}"

    def text(self):
        return self.file.read_text(encoding="utf-8")

    def severities(self):
        """The severity of each rule, in the order of the file."""
        return dict(re.findall(r"- alert: (\w+)\n(?:.*\n)*?\s+labels: \{severity: (\w+)\}",
                               self.text()))

    def metrics(self):
        """Every metric that a rule names; those of histograms by their family."""
        names = set(METRIC.findall(self.text()))
        return {re.sub(r"_(bucket|count|sum)$", "", name) if "_seconds_" in name else name
                for name in names}

    def series(self, changes):
        """The input of a promtool test: what is well, with these changes. A change is (first, step),
        for one label's value by a dict, or a whole series as promtool writes it."""
        text = []
        for metric, labels, first, step in self.well:
            values = self.line(first, step)
            change = changes.get(metric)
            if isinstance(change, dict):
                change = change.get(labels.split('"')[1])
            if isinstance(change, str):
                values = change
            elif change is not None:
                values = self.line(*change)
            comma = "," if labels else ""
            text.append({"series": f"{metric}{{{self.instance}{comma}{labels}}}", "values": values})
        return text

    def firing(self, changes, alert=None, labels="", severity=""):
        """A promtool test: at the end this alert fires, or with None not any one."""
        which = f'alertname="{alert}",' if alert else ""
        samples = []
        if alert:
            named = (f'ALERTS{{alertname="{alert}",alertstate="firing",{self.instance},'
                     f'severity="{severity}"')
            samples = [{"labels": f"{named}{',' if labels else ''}{labels}}}", "value": 1}]
        return {"interval": f"{self.interval}m", "input_series": self.series(changes),
                "promql_expr_test": [{"expr": f'ALERTS{{{which}alertstate="firing"}}',
                                      "eval_time": f"{self.minutes}m", "exp_samples": samples}]}


class RulesTest(unittest.TestCase):
    """What holds of every file of rules. A test of one sets `rules`, `fires` (alert: changes and
    labels) and `page`, which says what to do about each."""

    rules: Rules
    fires: dict[str, tuple[dict, str]]
    page: str

    def judge(self, tests):
        with tempfile.TemporaryDirectory(prefix="backsight-test-") as folder:
            file = Path(folder) / "tests.yml"
            # JSON is YAML too.
            file.write_text(json.dumps({"rule_files": [str(self.rules.file)],
                                        "evaluation_interval": f"{self.rules.interval}m", "tests": tests}),
                            encoding="ascii")
            done = run("promtool", "test", "rules", str(file))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @needs_promtool
    def test_rules_are_well_formed(self):
        done = run("promtool", "check", "rules", str(self.rules.file))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @needs_promtool
    def test_no_alert_fires_while_all_is_well(self):
        self.judge([self.rules.firing({})])

    @needs_promtool
    def test_each_alert_fires_on_its_fault(self):
        known = self.rules.severities()
        self.assertEqual(set(known), set(self.fires), "each rule has its line")
        self.judge([self.rules.firing(changes, alert, labels, known[alert])
                    for alert, (changes, labels) in self.fires.items()])

    def test_the_manual_says_what_to_do_about_each_alert(self):
        page = (ROOT / "docs" / self.page).read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"^\| `(Backsight\w+)` \| (\w+) \| .+ \|$", page, re.M),
                         list(self.rules.severities().items()))
