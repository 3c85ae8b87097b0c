"""Every accepted request ends, truthfully: through kills, stops, lost sources, cancels and full disks.
What was shown is in the archive, once. The programs, the disks and the network are real."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
import unittest
from collections import Counter
from pathlib import Path

import journal
from test_reverse import ReverseTest, setUpModule  # noqa: F401
from vantage import ROOT

sys.path.insert(0, str(ROOT))

from demo.broker_service import BROKER, BrokerService
from demo.service import Service

RESTARTS = int(os.environ.get("BACKSIGHT_RESTARTS", "4"))
PATIENCE_S = 60.0
DISK = "1m"


class Ends(ReverseTest):
    """What the tests of requests and their ends share."""

    service: WatchedService

    def setUp(self):
        self.service.start_what_is_gone()
        self.service.wait_until_ready(len(self.vps()))

    def submit(self, pairs, **more):
        status, answer = self.service.request("POST", "/api/v1/revtr", {"revtrs": [
            {"src": source, "dst": self.address(destination), "use_cache": False, **more}
            for source, destination in pairs]})
        self.assertEqual(status, 200, answer)
        return answer["batch_id"]

    def batch(self, number):
        return self.service.get(f"/api/v1/revtr?batchid={number}")

    def eventually(self, look, is_so, seconds=PATIENCE_S):
        """What `look` says once it is so; a controller that does not answer yet is asked again."""
        deadline = time.monotonic() + seconds
        said = None
        while time.monotonic() < deadline:
            try:
                said = look()
                if is_so(said):
                    return said
            except OSError:
                pass
            time.sleep(0.05)
        return self.fail(f"{said}\n{self.service.complaint('controller')}")

    def ended(self, number):
        return self.eventually(lambda: self.batch(number), lambda batch: batch["complete"])

    def troubles(self):
        """What /readyz says against the controller."""
        return self.service.page("/readyz")

    def archived(self):
        """How often each reverse traceroute stands in the archive: in bundles, which are made of the
        journal, or in the journal alone."""
        logged = Counter(path["id"] for path in journal.ended(self.service.archive()))
        bundled: Counter[int] = Counter()
        for file in self.service.archive().rglob("*revtr1*.gz"):
            bundled.update(json.loads(line)["raw"]["id"]
                           for line in gzip.decompress(file.read_bytes()).decode().splitlines())
        return logged | bundled

    def assert_archived_once(self, paths):
        archived = self.archived()
        self.assertEqual({path["id"]: archived.get(path["id"], 0) for path in paths},
                         {path["id"]: 1 for path in paths})

    def assert_truthful(self, paths):
        """Nothing failed but what answers nobody."""
        for path in paths:
            if path["stop_reason"] == "FAILED":
                self.assertEqual((path["dst"], path["fail_reason"]),
                                 (self.address("silent"), "unresponsive"), path)


class WatchedService(Service):
    def page(self, path):
        """The text of a page of the metrics' port, whatever its status."""
        config = (self.folder / "controller.yaml").read_text()
        at = next(line for line in config.splitlines() if line.startswith("metrics:"))
        at = at.partition("listen:")[2].strip(" }")
        return subprocess.run([*self.near(), "curl", "-s", f"http://{at}{path}"],
                              capture_output=True, text=True, timeout=20).stdout

    def near(self):
        return []

    def archive(self):
        return self.folder / "archive"

    def start_what_is_gone(self):
        """After a test that failed in the middle."""
        for number, host in enumerate(self.record["vps"], 1):
            if host["node"] not in self._processes:
                self.start_vp(host, number)
        if "controller" not in self._processes:
            self.start_controller()

    def signal(self, name, number):
        """Sends it and waits for the end. Returns the exit code."""
        process = self._processes.pop(name)
        process.send_signal(number)
        return process.wait(30)


class WatchedBrokerService(WatchedService, BrokerService):
    def near(self):
        return self._inside()


class Restarts(Ends):
    kind_of_service: type[Service] = WatchedService

    def test_lose_nothing_and_answer_nothing_twice(self):
        seed = random.SystemRandom().randint(1, 10_000)
        print(f"seed {seed}", file=sys.stderr)
        drawn = random.Random(seed)
        batches = []
        for restart in range(RESTARTS):
            self.service.wait_until_ready(len(self.vps()))
            batches += [self.submit(self.all_pairs(), label=f"life {restart}"),
                        self.submit(self.all_pairs())]
            time.sleep(drawn.random() * 0.3)
            self.service.signal("controller", drawn.choice([signal.SIGKILL, signal.SIGTERM]))
            self.service.start_controller()
        paths = [path for number in batches for path in self.ended(number)["revtrs"]]
        self.assert_truthful(paths)
        numbers = [path["id"] for path in paths]
        self.assertEqual(len(numbers), len(set(numbers)))
        for restart in range(RESTARTS):
            labelled = self.service.get(f"/api/v1/revtr?label=life%20{restart}")["revtrs"]
            self.assertLessEqual(
                {number for number in numbers
                 if batches[2 * restart] <= number < batches[2 * restart] + 2 * len(self.all_pairs())},
                {path["id"] for path in labelled})
        self.assert_archived_once(paths)

    def test_stopping_tells_who_follows_and_fails_nothing(self):
        batch = self.submit(self.all_pairs())
        follower = subprocess.Popen(
            [*self.service.near(), "curl", "-sN",
             f"http://{self.service.api}/api/v1/revtr/{batch}/events"],
            stdout=subprocess.PIPE, text=True)
        assert follower.stdout
        told = follower.stdout.readline()  # it follows
        self.assertEqual(self.service.signal("controller", signal.SIGTERM), 0)
        told += follower.communicate(timeout=20)[0]
        self.service.start_controller()
        self.assertTrue(": the controller stops" in told or "event: end" in told, told[-300:])
        paths = self.ended(batch)["revtrs"]
        self.assert_truthful(paths)
        self.assert_archived_once(paths)

    def test_what_was_cancelled_stays_cancelled(self):
        self.service.kill("vp1")
        self.service.signal("controller", signal.SIGKILL)
        self.service.start_controller()
        try:
            self.eventually(lambda: self.service.get("/api/v1/sources")["srcs"],
                            lambda all_: sum(s["ready"] for s in all_) == len(self.vps()) - 1)
            batch = self.submit([("vp2", destination) for destination in self.destinations()] * 3)
            status, answer = self.service.request("DELETE", f"/api/v1/revtr?batchid={batch}")
            self.assertEqual(status, 200, answer)
            self.service.signal("controller", signal.SIGKILL)
            self.service.start_controller()
            paths = self.ended(batch)["revtrs"]
            self.assertIn("cancelled", {path["fail_reason"] for path in paths})
            self.assertLessEqual({path["fail_reason"] for path in paths},
                                 {"cancelled", "", "unresponsive"})
            self.assert_archived_once(paths)
        finally:
            self.service.start_vp(self.vp("vp1"), 1)


class RestartsOverABroker(Restarts):
    kind_of_service = WatchedBrokerService

    @classmethod
    def setUpClass(cls):
        if not Path(BROKER).exists():
            raise unittest.SkipTest("no nats-server")
        super().setUpClass()


class LostSources(Ends):
    kind_of_service = WatchedService

    def test_are_waited_for_after_a_restart(self):
        pairs = [("vp1", destination) for destination in self.destinations()]
        batch = self.submit(pairs)
        self.service.kill("controller")
        self.service.kill("vp1")
        self.service.start_controller()
        waiting = self.eventually(
            lambda: self.batch(batch),
            lambda said: any("wait for it" in r.get("waiting_for", "") for r in said["revtrs"]))
        self.assertTrue({"RUNNING", "WAITING"} & {path["status"] for path in waiting["revtrs"]})
        self.eventually(self.troubles, lambda said: "requests wait for it" in said)
        status, answer = self.service.request(
            "POST", "/api/v1/revtr", {"revtrs": [{"src": self.address("vp1"),
                                                  "dst": self.address("far")}]})
        self.assertEqual((status, answer["error"]["code"]), (503, "not_ready"), answer)
        self.service.start_vp(self.vp("vp1"), 1)
        paths = self.ended(batch)["revtrs"]
        self.assert_truthful(paths)
        self.assert_archived_once(paths)

    def test_that_die_while_they_measure_blame_nobody(self):
        batches = [self.submit([("vp1", d) for d in self.destinations()])]
        self.service.kill("vp1")
        for _ in range(8):  # they are still believed to be there
            status, answer = self.service.request("POST", "/api/v1/revtr", {"revtrs": [
                {"src": "vp1", "dst": self.address(d), "use_cache": False}
                for d in self.destinations()]})
            if status == 200:
                batches.append(answer["batch_id"])
            time.sleep(1)
        self.eventually(self.troubles, lambda said: "requests wait for it" in said)
        self.service.start_vp(self.vp("vp1"), 1)
        for batch in batches:
            paths = self.ended(batch)["revtrs"]
            self.assert_truthful(paths)
            self.assert_archived_once(paths)


class SmallDisks(WatchedService):
    """Its controller has a disk of its own for its archive, and one for its numbers, that outlive it."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        mounts = []
        for name in ("archive", "state"):
            (self.folder / name).mkdir()
            mounts.append(f"mount -t tmpfs -o size={DISK} none {self.folder / name}")
        self._holder = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", f"{' && '.join(mounts)} && echo && exec sleep 3600"],
            stdout=subprocess.PIPE)
        assert self._holder.stdout
        self._holder.stdout.readline()

    def start_controller(self):
        self._run("controller", ["nsenter", "-m", "-t", str(self._holder.pid),
                                 str(self._programs / "backsight-controller"), "--config",
                                 str(self.folder / "controller.yaml")])

    def _seen(self, name):
        return Path(f"/proc/{self._holder.pid}/root{self.folder / name}")

    def archive(self):
        return self._seen("archive")

    def fill(self, name):
        with (self._seen(name) / "filler").open("wb", buffering=0) as filler:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError:
                    pass

    def make_room(self, name):
        (self._seen(name) / "filler").unlink()

    def end(self):
        codes = super().end()
        self._holder.kill()
        self._holder.wait()
        return codes


class FullDisks(Ends):
    kind_of_service = SmallDisks
    service: SmallDisks
    few = [("vp1", "far"), ("vp2", "plain1"), ("vp3", "plain2")]

    def is_refused(self):
        return self.service.request("POST", "/api/v1/revtr", {"revtrs": [
            {"src": "vp1", "dst": self.address("far"), "use_cache": False}]})

    def test_the_archives_stops_measuring_and_blames_nobody(self):
        shown = self.ended(self.submit(self.few))["revtrs"]
        batches = [self.submit(self.few * 20)]  # they take longer than to fill the disk
        self.service.fill("archive")
        self.eventually(self.is_refused, lambda said: said[0] == 503)
        status, answer = self.is_refused()
        self.assertEqual((status, answer["error"]["code"]), (503, "storage"), answer)
        self.assertIn("No space left", answer["error"]["sentence"])
        self.eventually(self.troubles, lambda said: "measuring stands still" in said)
        self.assertIn("nothing is archived", self.troubles())
        self.assertIn("requests are refused", self.troubles())
        self.assertIn("ok", self.service.page("/healthz"))
        sent = self.service.page("/metrics")
        time.sleep(3)
        self.assertEqual(self.figure(sent, "tasks_total"),
                         self.figure(self.service.page("/metrics"), "tasks_total"))
        self.assertFalse(self.batch(batches[0])["complete"])
        self.eventually(lambda: self.batch(batches[0])["revtrs"][-1].get("waiting_for", ""),
                        lambda said: "No space left" in said)
        # It dies so, lives so, stops so, and goes on when there is room.
        for end in (signal.SIGKILL, signal.SIGTERM):
            self.service.signal("controller", end)
            self.service.start_controller()
            said = self.eventually(lambda: self.batch(batches[0]), lambda batch: True)
            self.assertFalse(said["complete"], said)
        self.service.make_room("archive")
        for batch in batches:
            shown += self.ended(batch)["revtrs"]
        self.assert_truthful(shown)
        self.service.wait_until_ready(len(self.vps()))
        shown += self.ended(self.submit(self.few))["revtrs"]
        self.assert_truthful(shown)
        self.assert_archived_once(shown)
        self.eventually(self.troubles, lambda said: "stands still" not in said)

    def test_the_numbers_keeps_nothing_from_going_on(self):
        self.service.fill("state")
        batches = [self.submit(self.few)]
        shown = self.ended(batches[0])["revtrs"]
        self.service.kill("controller")
        self.service.start_controller()
        again = self.ended(batches[0])["revtrs"]
        self.assertEqual(sorted(again, key=lambda path: path["id"]),
                         sorted(shown, key=lambda path: path["id"]))
        self.service.make_room("state")
        self.service.wait_until_ready(len(self.vps()))
        self.eventually(self.is_refused, lambda said: said[0] == 200)
        self.assert_truthful(shown)
        self.assert_archived_once(shown)

    def figure(self, page, name):
        return next(line.split()[-1] for line in page.splitlines()
                    if line.startswith("backsight_controller_") and f"{name} " in line)


if __name__ == "__main__":
    unittest.main()
