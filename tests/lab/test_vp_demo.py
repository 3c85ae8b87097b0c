"""scripts/demo's run: what it prints, that it notices a lie, and that it leaves nothing behind."""

import copy
import os
import signal
import subprocess
import sys
import unittest
import unittest.mock
from pathlib import Path

from vantage import ROOT, LabTest, program, skip_unless_possible

from demo.plan import plan
from demo.reverse_report import conclusion
from demo.report import Ink, page
from demo.verdict import Judge, route_parts

WIDTH = 110


def setUpModule():
    skip_unless_possible()


def demo(*options):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
                                "BACKSIGHT_BIN": str(Path(program()).parent)}
    return subprocess.Popen([sys.executable, "-m", "demo", *options], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment)


class Demo(unittest.TestCase):
    def check_nothing_is_left(self, process):
        self.assertEqual([n for n in os.listdir("/run/netns")
                          if n.startswith(f"demo-{process.pid}-")], [])
        self.assertFalse(Path(f"/run/backsight-lab/demo-{process.pid}").exists())

    def test_prints_every_destination_and_that_all_agree(self):
        process = demo()
        output, complaint = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, output[-2000:] + complaint)
        lines = output.splitlines()
        self.assertRegex(lines[-1], r"^(\d+) of \1 agree with the routing tables$")
        self.assertLessEqual(max(map(len, lines)), WIDTH)
        for destination in ("plain1", "far", "balanced", "tunnelled", "filtered", "silent"):
            self.assertTrue(any(line.startswith(destination + ":") for line in lines))
        self.assertRegex(output, r"vp\d sent as vp1, vp1 received")
        self.assertRegex(output, r"198\.18\.\d+\.\d+ +[a-z]\d +spoofed record route +[a-z]\d +=")
        self.check_nothing_is_left(process)

    def test_leaves_nothing_when_interrupted(self):
        for said in ("vantage points are up", "all are over"):
            with self.subTest(after=said):
                process = demo()
                for line in process.stderr:
                    if said in line:
                        break
                process.send_signal(signal.SIGINT)
                _, complaint = process.communicate(timeout=20)
                self.assertEqual(process.returncode, 130, complaint)
                self.check_nothing_is_left(process)


class Verdicts(LabTest):
    """The demo's comparison, fed with what an honest vantage point and a lying one would say."""

    def setUp(self):
        self.judge = Judge(self.truth)
        self.measurements = plan(self.record)

    def honest(self, it):
        """(result, observation) that tell the truth."""
        answer, is_answered = self.judge.answer(it), self.judge.is_answered(it)
        if it.kind == "trace":
            path = [hop["time_exceeded"][0] for hop in answer["forward"][0] if not hop["hidden"]]
            hops = [{"ttl": ttl, "from": address, "rtt_ns": 1000} for ttl, address in
                    enumerate(path + [it.address] * is_answered, 1)]
            return {"outcome": "reached" if is_answered else "gap_limit", "hops": hops}, None
        reply: dict = {"reply": {"from": it.address, "ttl": 60}}
        if it.kind == "rr" and is_answered:
            reply["record_route"] = list(answer["record_route"][0])
        if it.is_spoofed:
            return {"outcome": "sent"}, reply if is_answered else None
        return ({"outcome": "replied", "rtt_ns": 1000} | reply if is_answered
                else {"outcome": "timed_out"}), None

    def test_agree_with_the_truth(self):
        for it in self.measurements:
            self.assertTrue(self.judge.judge(it, *self.honest(it)).agrees, it)

    def test_differ_when_an_address_is_another_missing_or_too_many(self):
        for it in self.measurements:
            result, observation = self.honest(it)
            said = observation or result
            key = "hops" if it.kind == "trace" else "record_route"
            if not said.get(key):
                continue
            for lie in self.lies(said[key], it):
                lying = copy.deepcopy(said) | {key: lie}
                pair = (result, lying) if observation else (lying, None)
                self.assertFalse(self.judge.judge(it, *pair).agrees, (it, lie))

    def lies(self, told, it):
        wrong = copy.deepcopy(told)
        if it.kind == "trace":
            wrong[0]["from"] = "198.18.0.1"
            return wrong, told[1:], [*told, {"ttl": 30, "from": "198.18.0.1", "rtt_ns": 1}]
        wrong[0] = "198.18.0.1"
        return wrong, told[:-1], [*told, "198.18.0.1"]

    def test_differ_when_there_is_no_result_or_no_observation(self):
        for it in self.measurements:
            self.assertFalse(self.judge.judge(it, None, None).agrees)
            if it.is_spoofed and self.judge.is_answered(it):
                self.assertFalse(self.judge.judge(it, {"outcome": "sent"}, None).agrees)

    def test_show_a_lie_on_both_sides_and_count_it(self):
        verdicts = [self.judge.judge(it, *self.honest(it)) for it in self.measurements]
        it = next(it for it in self.measurements if it.kind == "rr")
        result, _ = self.honest(it)
        true = result["record_route"][0]
        result["record_route"][0] = "203.0.113.9"
        verdicts[self.measurements.index(it)] = self.judge.judge(it, result, None)
        fleet = unittest.mock.Mock(ports={vp: "AF_PACKET" for vp in self.vps()}, remarks=[])
        text = page(self.record, fleet, verdicts, Ink(False))
        self.assertRegex(text, rf"forward +1  203\.0\.113\.9 +{true} +\w+ +!")
        self.assertIn(f"rr from vp1 to plain1: forward: 203.0.113.9, truth: {true}", text)
        count = len(verdicts)
        self.assertEqual(conclusion(verdicts, []),
                         f"{count - 1} of {count} agree with the routing tables")


class RouteParts(unittest.TestCase):
    def test_split_at_the_last_stamps_of_the_destination(self):
        self.assertEqual(route_parts(["a", "d", "d", "b"], "d"),
                         ["forward", "destination", "destination", "reverse"])
        self.assertEqual(route_parts(["d", "a", "d"], "d"), ["forward", "forward", "destination"])

    def test_tell_nothing_of_the_way_back_without_such_a_stamp(self):
        self.assertEqual(route_parts(["a", "b"], "d"), ["forward", "forward"])


if __name__ == "__main__":
    unittest.main()
