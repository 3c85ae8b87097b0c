"""The page of troubles names metrics and reasons that there are."""

import re
import unittest
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def words(page, pattern):
    return set(re.findall(pattern, (DOCS / page).read_text()))


class Troubles(unittest.TestCase):
    def test_names_metrics_that_there_are(self):
        named = words("troubles.md", r"\bbacksight_(?:vp|controller)_[a-z0-9_]+")
        listed = (words("metrics.md", r"`(backsight_vp_[a-z0-9_]+)`") |
                  words("controller-metrics.md", r"`(backsight_controller_[a-z0-9_]+)`"))
        self.assertGreater(len(named), 20)
        self.assertEqual(named - listed, set())

    def test_names_alerts_that_there_are(self):
        rules = "".join(path.read_text() for path in (DOCS.parent / "config/prometheus").glob("*.yml"))
        alerts = set(re.findall(r"alert: (\w+)", rules))
        self.assertEqual(words("troubles.md", r"\bBacksight[A-Z]\w+") - alerts, set())


if __name__ == "__main__":
    unittest.main()
