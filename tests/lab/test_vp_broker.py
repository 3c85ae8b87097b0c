"""A vantage point that serves a queue on a nats-server: tasks in and results out by `backsight`."""

import json
import shutil
import subprocess
import time
import unittest
from collections import Counter
from pathlib import Path

from vantage import KEY, LabTest, config_of, program, skip_unless_possible

BROKER = shutil.which("nats-server") or "/usr/sbin/nats-server"
URL = "nats://127.0.0.1:4222"


def setUpModule():
    skip_unless_possible(BROKER)


class AQueueOnABroker(LabTest):
    """Everything in the namespace of one vantage point, on its loopback."""

    node = "vp2"

    def setUp(self):
        self.home = Path(self.folder) / self.id().rpartition(".")[2][:40]
        self.home.mkdir()
        (self.home / "fleet.key").write_text(KEY + "\n")
        (self.home / "fleet.key").chmod(0o600)
        config = config_of(self.vp(self.node), {
            "queue": {"url": URL, "spool": str(self.home / "spool")},
            "metrics": {"listen": "127.0.0.1:9464"}})
        del config["spoofing"]
        (self.home / "vp.yaml").write_text(json.dumps(config))
        self.execute(self.node, "ip", "link", "set", "lo", "up")
        self.running = {}
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.running.values():
            process.kill()
            process.wait()

    def inside(self, name, *command, stdout=subprocess.DEVNULL):
        with (self.home / f"{name}.log").open("a") as log:
            self.running[name] = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace(self.node), *command],
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=log)

    def kill(self, name):
        self.running[name].kill()
        self.running[name].wait()

    def start_broker(self):
        self.inside("broker", BROKER, "-a", "127.0.0.1", "-js", "-sd", str(self.home / "store"))

    def start_vp(self):
        self.inside("vp", program(), "--config", str(self.home / "vp.yaml"))

    def backsight(self, *words, text=None):
        done = self.execute(self.node, str(Path(program()).parent / "backsight"), *words,
                            "--queue", URL, input=text, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def ready_page(self):
        return self.execute(self.node, "curl", "-s", "http://127.0.0.1:9464/readyz").stdout

    def wait_until(self, is_so, seconds=20):
        deadline = time.monotonic() + seconds
        while not is_so():
            self.assertLess(time.monotonic(), deadline, self.logs())
            time.sleep(0.05)

    def logs(self):
        return "\n".join(f"--- {log.name}\n{log.read_text()[-2000:]}"
                         for log in self.home.glob("*.log"))

    def get(self, idle_ms):
        lines = self.backsight("queue", "get", "--state", str(self.home / "state"), "--idle-ms",
                               str(idle_ms)).splitlines()
        return [json.loads(line) for line in lines]

    def test_tasks_go_in_and_each_result_comes_out_once(self):
        self.start_broker()
        self.start_vp()
        self.wait_until(lambda: self.ready_page() == "ready\n")
        answering = [d for d in self.destinations()
                     if self.truth.answer(self.node, d)["record_route"]]
        tasks = [{"id": i, "kind": "rr", "dst": self.address(d)}
                 for i, d in enumerate(answering * 20, 1)]
        self.backsight("queue", "put", "--vp", self.node,
                       text="".join(json.dumps(task) + "\n" for task in tasks))
        results = self.get(3000)
        self.assertEqual(sorted(r["task"] for r in results), [t["id"] for t in tasks])
        self.assertEqual(Counter(r["outcome"] for r in results), {"replied": len(tasks)})
        self.assertEqual(self.get(300), [])
        listed = self.backsight("vp", "list")
        self.assertRegex(listed, rf"{self.node} +ready ")
        status = json.loads(self.backsight("vp", "status", "--json"))
        self.assertTrue(status["queue"]["connected"])
        self.assertEqual(self.backsight("ping", self.address(answering[0]), "--vp", self.node)
                         .split(":")[0], f"ping {self.address(answering[0])}")

    def test_a_dead_broker_is_told_and_nothing_is_lost_when_everything_dies(self):
        self.start_broker()
        self.start_vp()
        self.wait_until(lambda: self.ready_page() == "ready\n")
        destination = self.address(next(d for d in self.destinations()
                                        if self.truth.answer(self.node, d)["record_route"]))
        tasks = [{"id": i, "kind": "ping", "dst": destination} for i in range(1, 20_001)]
        self.backsight("queue", "put", "--vp", self.node,
                       text="".join(json.dumps(task) + "\n" for task in tasks))
        time.sleep(0.4)
        self.kill("vp")
        self.start_vp()
        time.sleep(0.4)
        self.kill("broker")
        self.wait_until(lambda: "nobody answers there" in self.ready_page())
        self.start_broker()
        self.wait_until(lambda: self.ready_page() == "ready\n")
        results = self.get(8000)
        self.assertEqual(Counter(r["task"] for r in results),
                         Counter({task["id"]: 1 for task in tasks}), self.logs())
        warnings = (self.home / "vp.log").read_text().count("nobody answers there")
        self.assertEqual(warnings, 1, "one line of the log for one trouble")
        self.assertIn("the queue is well again", (self.home / "vp.log").read_text())


if __name__ == "__main__":
    unittest.main()
