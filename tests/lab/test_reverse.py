"""Reverse traceroutes by the real programs through Linux routers, whose tables are the truth."""

import json
import random
import statistics
import subprocess
import sys
import time
import unittest
from pathlib import Path

from vantage import ROOT, LabTest, program, skip_unless_possible

sys.path.insert(0, str(ROOT))

from demo.broker_service import BROKER, BrokerService
from demo.reverse import MEASURED, ReverseJudge
from demo.service import Service

MOST_PROBES = 12
MOST_MEDIAN_MS = 100
LEAST_COVERAGE = 0.98


def setUpModule():
    skip_unless_possible()
    if not (Path(program()).parent / "backsight-controller").exists():
        raise unittest.SkipTest("no backsight-controller is built; scripts/build makes it")


class ReverseTest(LabTest):
    with_aliases = True
    kind_of_service: type[Service] = Service
    service: Service
    ready_after: float  # seconds
    judge: ReverseJudge

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = cls.kind_of_service(Path(program()).parent, cls.folder, cls.record,
                                          with_aliases=cls.with_aliases)
        cls.addClassCleanup(cls.service.end)
        began = time.monotonic()
        cls.service.start()
        cls.ready_after = time.monotonic() - began
        cls.judge = ReverseJudge(cls.truth)

    def ask(self, pairs, **more):
        return self.service.measure([{"src": source, "dst": self.address(destination), **more}
                                     for source, destination in pairs])

    def all_pairs(self):
        return [(vp, destination) for vp in self.vps() for destination in self.destinations()]


class EveryPath(ReverseTest):
    def test_the_atlas_of_each_source_is_there_in_ten_seconds(self):
        self.assertLess(self.ready_after, 10)

    def test_shows_the_routers_of_each_true_path_and_no_others(self):
        verdicts = [self.judge.judge(path) for path in self.ask(self.all_pairs())]
        asked = {(v.source, v.destination) for v in verdicts}
        self.assertLessEqual(set(self.all_pairs()), asked)
        self.assertEqual([(v.source, v.destination, v.wrong) for v in verdicts if v.wrong], [])
        measured = [v for v in verdicts if v.reaches and not v.is_assumed]
        found = sum(len(v.true_nodes) - len(v.missing) for v in measured)
        self.assertGreaterEqual(found, LEAST_COVERAGE * sum(len(v.true_nodes) for v in measured))
        for v in verdicts:
            silent = "answers nothing" in self.special(v.destination)
            self.assertEqual(v.reaches, not silent, v)
            self.assertEqual(v.path["revtr_hops"][0]["hop_ip"], v.path["dst"])
            if v.reaches:
                self.assertEqual(v.path["revtr_hops"][-1]["hop_ip"], v.path["src"])

    def special(self, node):
        return next((d["special"] for d in self.record["destinations"] if d["node"] == node), "")

    def test_takes_few_probes_and_little_time(self):
        paths = self.ask(self.all_pairs(), use_cache=False)
        self.assertLessEqual(statistics.mean(p["probes"] for p in paths), MOST_PROBES)
        self.assertLessEqual(statistics.median(p["runtime"] for p in paths) / 1000, MOST_MEDIAN_MS)

    def test_names_the_as_of_each_hop(self):
        owner = {router["node"]: router["asn"] for router in self.record["routers"]}
        for path in self.ask([("vp1", "far")]):
            for hop in path["revtr_hops"]:
                node = self.judge.node_of(hop["hop_ip"])
                if node in owner and hop["hop_type"] in MEASURED:
                    self.assertEqual(hop["asn"], owner[node], hop)

    def test_stands_in_a_router_of_its_as_for_a_destination_that_is_silent(self):
        failed, stand_in = sorted(self.ask([("vp2", "silent")]), key=lambda path: path["id"])
        self.assertEqual(failed["stop_reason"], "FAILED")
        self.assertEqual(failed["fail_reason"], "unresponsive")
        self.assertTrue(stand_in["is_try_from_destination_AS"])
        self.assertEqual(stand_in["ids_revtr_from_destination_AS"], [failed["id"]])
        self.assertEqual(stand_in["stop_reason"], "REACHES")

    def test_finds_both_branches_of_a_balanced_way(self):
        pairs = [(vp, d) for vp in self.vps() for d in ("plain1", "plain2", "far")
                 if len(self.truth.paths(d, self.address(d), self.address(vp))) > 1]
        branched = 0
        for path in self.ask(pairs, find_branches=True, use_cache=False):
            verdict = self.judge.judge(path)
            self.assertEqual(verdict.wrong, [])
            branched += any(hop["branch"] for hop in path["revtr_hops"])
        self.assertGreater(branched, 0)

    def test_prints_a_path_as_traceroute_does(self):
        done = subprocess.run(
            [str(Path(program()).parent / "backsight"), "revtr", self.address("far"), "--from",
             "vp1", "--controller", f"http://{self.service.api}", "-n"],
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertIn(self.address("far"), lines[0])
        self.assertIn("record route", done.stdout)
        self.assertIn("reaches the source", lines[-1])
        self.assertIn(self.address("vp1"), lines[-2])

    def test_says_what_is_wrong_with_a_request(self):
        far = self.address("far")
        for request, words in (({"src": "nowhere", "dst": far}, "no source"),
                               ({"src": "vp1", "dst": "224.0.0.1"}, "private or reserved"),
                               ({"src": "vp1", "dst": "2001:db8::1"}, "IPv4"),
                               ({"src": "vp1", "dst": self.address("vp1")}, "same address")):
            status, answer = self.service.request("POST", "/api/v1/revtr", {"revtrs": [request]})
            self.assertGreaterEqual(status, 400, request)
            self.assertIn(words, json.dumps(answer))

    def test_one_request_at_fault_costs_the_others_nothing(self):
        far = self.address("far")
        paths = self.service.measure([{"src": "vp1", "dst": "2001:db8::1", "uuid": "six"},
                                      {"src": "nowhere", "dst": far},
                                      {"src": "vp1", "dst": far, "isRunRttPings": True,
                                       "maxSpoofers": "10", "odd": None}])
        ended = {path["dst"]: path for path in paths if path["fail_reason"] != "refused"}
        self.assertEqual(ended[far]["stop_reason"], "REACHES", paths)
        refused = [path for path in paths if path["fail_reason"] == "refused"]
        self.assertEqual(len(refused), 2, paths)
        self.assertEqual([path["uuid"] for path in refused if "IPv6" in path["fail_detail"]], ["six"])

    def test_a_deny_list_holds_as_soon_as_it_is_replaced_and_for_hops_too(self):
        far = self.address("far")
        deny = self.service.folder / "deny.txt"
        self.addCleanup(deny.write_text, "")

        def ask():
            return self.service.request("POST", "/api/v1/revtr",
                                        {"revtrs": [{"src": "vp1", "dst": far}]})

        def wait_until(is_so):
            deadline = time.monotonic() + 20
            while not is_so():
                self.assertLess(time.monotonic(), deadline, self.service.complaint("controller"))
                time.sleep(0.1)

        deny.write_text(f"{far}\n")
        wait_until(lambda: ask()[0] == 422)
        self.assertIn("deny list", json.dumps(ask()))
        deny.write_text("no prefix\n")
        wait_until(lambda: "not reloaded" in self.service.complaint("controller"))
        self.assertEqual(ask()[0], 422)  # the list before holds
        deny.write_text("# nobody\n")
        wait_until(lambda: ask()[0] == 200)

    def test_without_aliases_no_hop_is_wrong_either(self):
        """The aliases are the operator's to give; the truth holds without them."""
        (self.folder / "plain").mkdir()
        # The vantage points serve one controller at a time.
        self.service.kill("controller")
        config = self.folder / "controller.yaml"
        before = config.read_text()
        config.write_text("".join(line + "\n" for line in before.splitlines()
                                  if not line.startswith("aliases:")))
        self.service.start_controller()
        try:
            self.service.wait_until_ready(len(self.vps()))
            verdicts = [self.judge.judge(path)
                        for path in self.ask(self.all_pairs(), use_cache=False)]
            self.assertEqual([(v.source, v.destination, v.wrong) for v in verdicts if v.wrong], [])
        finally:
            config.write_text(before)


class ADrawnLab(ReverseTest):
    seed = random.SystemRandom().randint(1, 10_000)
    options = ("--seed", str(seed))

    @classmethod
    def setUpClass(cls):
        print(f"lab seed {cls.seed}", file=sys.stderr)
        super().setUpClass()

    def test_shows_the_routers_of_each_true_path_and_no_others(self):
        verdicts = [self.judge.judge(path) for path in self.ask(self.all_pairs())]
        measured = [v for v in verdicts if v.reaches and not v.is_assumed]
        self.assertEqual([(v.source, v.destination, v.wrong) for v in measured if v.wrong], [])
        found = sum(len(v.true_nodes) - len(v.missing) for v in measured)
        self.assertGreaterEqual(found, LEAST_COVERAGE * sum(len(v.true_nodes) for v in measured))


class OverABroker(ReverseTest):
    kind_of_service = BrokerService
    service: BrokerService

    @classmethod
    def setUpClass(cls):
        if not Path(BROKER).exists():
            raise unittest.SkipTest("no nats-server")
        super().setUpClass()

    def test_paths_are_as_right_as_over_files(self):
        self.service.wait_until_ready(len(self.vps()))
        verdicts = [self.judge.judge(path) for path in self.ask(self.all_pairs())]
        self.assertEqual([(v.source, v.destination, v.wrong) for v in verdicts if v.wrong], [])
        self.assertTrue(all(v.agrees for v in verdicts),
                        [(v.source, v.destination, v.missing) for v in verdicts if not v.agrees])

    def wait_until_heard_again(self):
        """All vantage points have announced themselves since now."""
        now = time.time()
        deadline = time.monotonic() + 60
        while True:
            said = self.service.get("/api/v1/vantage_points")
            vps = next(value for value in said.values() if isinstance(value, list))
            if all(vp["last_heard"] > now and vp["state"] == "ready" for vp in vps):
                return
            self.assertLess(time.monotonic(), deadline, vps)
            time.sleep(0.1)

    def test_goes_on_after_a_broker_that_died(self):
        self.service.kill("broker")
        self.service.start_broker()
        self.wait_until_heard_again()
        self.service.wait_until_ready(len(self.vps()))
        for path in self.ask([("vp1", "far"), ("vp2", "plain2")], use_cache=False):
            self.assertEqual(path["stop_reason"], "REACHES", path)


class AControllerThatDies(ReverseTest):
    def test_ends_each_accepted_request_after_its_restart(self):
        status, answer = self.service.request("POST", "/api/v1/revtr", {"revtrs": [
            {"src": source, "dst": self.address(destination), "use_cache": False}
            for source, destination in self.all_pairs()]})
        self.assertEqual(status, 200, answer)
        self.service.kill("controller")
        self.service.start_controller()
        self.service.wait_until_ready(len(self.vps()))
        deadline = time.monotonic() + 60
        while True:
            batch = self.service.get(f"/api/v1/revtr?batchid={answer['batch_id']}")
            if batch["complete"]:
                break
            self.assertLess(time.monotonic(), deadline, batch)
            time.sleep(0.1)
        asked = {(path["src"], path["dst"]) for path in batch["revtrs"]}
        for source, destination in self.all_pairs():
            self.assertIn((self.address(source), self.address(destination)), asked)


if __name__ == "__main__":
    unittest.main()
