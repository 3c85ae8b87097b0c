"""A real controller on a queue that is somebody else's, away, or full of odd things.

Vantage points only announce themselves here: no network is needed, and no root.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from vantage import program

BROKER = shutil.which("nats-server") or "/usr/sbin/nats-server"
SECONDS = 120


def setUpModule():
    if program() is None or not (Path(program()).parent / "backsight-controller").exists():
        raise unittest.SkipTest("no backsight-controller is built; scripts/build makes it")


def free_ports(count):
    """Different ones."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Controller:
    def __init__(self, test, name, queue):
        self.test, self.name = test, name
        self.home = test.folder / name
        self.home.mkdir()
        self.api, self.metrics = free_ports(2)
        (self.home / "controller.yaml").write_text(json.dumps({
            "listen": f"127.0.0.1:{self.api}", "metrics": {"listen": f"127.0.0.1:{self.metrics}"},
            "queue": {"url": queue, "state": "consumer"}, "archive": "archive", "state": "state",
            "allow_bogons": True}))
        self.start()

    def start(self):
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(
                [str(Path(program()).parent / "backsight-controller"), "--config",
                 str(self.home / "controller.yaml")], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        self.test.addCleanup(self.kill)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def log(self):
        return (self.home / "log").read_text()

    def get(self, page):
        """Status and text; 0 while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/{page}",
                                        timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name):
        rows = [line for line in self.get("metrics")[1].splitlines()
                if line.split("{")[0].split(" ")[0] == name]
        return sum(float(row.rsplit(" ", 1)[1]) for row in rows)

    def ask(self, source="ams01"):
        body = json.dumps({"revtrs": [{"src": source, "dst": "198.18.0.7"}]}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.api}/api/v1/revtr", data=body,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_until_ready(self):
        self.test.wait_until(lambda: self.get("readyz")[0] == 200, self.state)

    def wait_until_told(self, words):
        self.test.wait_until(lambda: words in self.get("readyz")[1], self.state)
        self.test.assertEqual(self.get("readyz")[0], 503)

    def state(self):
        return f"{self.name}: {self.get('readyz')} {self.log()}"


class AControllerOnAQueue(unittest.TestCase):
    url = ""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="backsight-queue-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.statuses = {"ams01": self.status("ams01", 1), "fra02": self.status("fra02", 2)}
        self.open_queue()
        self.is_over = threading.Event()
        self.announcer = threading.Thread(target=self.announce_all, daemon=True)
        self.announcer.start()
        self.addCleanup(self.stop_announcing)

    def open_queue(self):
        raise NotImplementedError

    def announce(self, name, text):
        """As the vantage point of that name does."""
        raise NotImplementedError

    def stop_announcing(self):
        self.is_over.set()
        self.announcer.join()

    @staticmethod
    def status(name, number):
        return {"vp": name, "id": number, "state": "ready", "why": [], "started_at_ns": 1,
                "ports": [{"address": f"198.18.0.{100 + number}", "gateway": None}],
                "rates": {"asked_pps": 100}}

    def announce_all(self):
        while not self.is_over.wait(0.2):
            for name, status in self.statuses.items():
                text = status if isinstance(status, str) else json.dumps(
                    {**status, "updated_at_ns": time.time_ns()})
                try:
                    self.announce(name, text)
                except OSError:
                    pass

    def wait_until(self, is_so, say):
        deadline = time.monotonic() + SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                self.fail(say())
            time.sleep(0.02)

    def queue_get(self):
        return subprocess.Popen(
            [str(Path(program()).parent / "backsight"), "queue", "get", "--queue", self.url,
             "--state", str(self.folder / "got"), "--idle-ms", "60000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def expect_idle(self, controller, words):
        """It says why, refuses, and neither probes nor archives anything."""
        # Of two queues one may have been tried before the other.
        self.wait_until(lambda: words in controller.ask()[1], controller.state)
        status, answer = controller.ask()
        self.assertEqual(status, 503, answer)
        self.assertEqual(controller.metric("backsight_controller_tasks_total"), 0)
        self.assertEqual(controller.metric("backsight_controller_archive_rows_total"), 0)
        self.assertGreaterEqual(controller.metric("backsight_controller_queue_troubles"), 1)


class OnFiles(AControllerOnAQueue):
    consumes = "consumes these results; there can be one only"

    def open_queue(self):
        (self.folder / "queue").mkdir()
        self.url = f"file://{self.folder / 'queue'}"

    def announce(self, name, text):
        home = self.folder / "queue" / name
        home.mkdir(exist_ok=True)
        (home / "status.new").write_text(text)
        (home / "status.new").rename(home / "status.json")

    def test_a_second_controller_says_who_the_first_is_and_takes_over_when_it_is_gone(self):
        first = Controller(self, "first", self.url)
        first.wait_until_ready()
        second = Controller(self, "second", self.url)
        second.wait_until_told(self.consumes)
        self.assertIn(f"process {first.process.pid} ", second.get("readyz")[1])
        self.expect_idle(second, self.consumes)
        self.assertEqual(first.get("readyz")[0], 200, first.state())
        self.assertEqual(first.ask()[0], 200)
        told = [line for line in second.log().splitlines() if "/ams01/" in line]
        self.assertEqual(len(told), 1, second.log())
        first.kill()
        second.wait_until_ready()
        self.assertEqual(second.ask()[0], 200)
        self.assertEqual(second.metric("backsight_controller_queue_troubles"), 0)

    def test_a_controller_waits_for_who_takes_the_results_by_hand(self):
        self.wait_until(lambda: (self.folder / "queue/fra02/status.json").exists(), str)
        taker = self.queue_get()
        self.addCleanup(taker.communicate)
        self.addCleanup(taker.kill)
        self.wait_until(lambda: (self.folder / "queue/fra02/results/consumer").exists(), str)
        controller = Controller(self, "controller", self.url)
        controller.wait_until_told(f"process {taker.pid} {self.consumes}")
        self.expect_idle(controller, self.consumes)
        taker.send_signal(signal.SIGTERM)
        controller.wait_until_ready()

    def test_who_takes_results_by_hand_is_refused_by_a_controller_and_disturbs_it_not(self):
        controller = Controller(self, "controller", self.url)
        controller.wait_until_ready()
        said = self.queue_get()
        out, complaint = said.communicate(timeout=SECONDS)
        self.assertEqual((said.returncode, out), (1, ""))
        self.assertIn(f"process {controller.process.pid} {self.consumes}", complaint)
        self.assertEqual(controller.get("readyz")[0], 200, controller.state())

    def test_odd_statuses_are_told_once_and_cost_the_others_nothing(self):
        self.statuses |= {
            "odd01": "{", "odd02": json.dumps(self.status("ams01", 9)),
            "odd03": {**self.status("odd03", 3), "id": -3}, "odd04": self.status("odd04", 2),
            "odd05": {**self.status("odd05", 5), "rates": {"asked_pps": "many"}},
            "odd06": json.dumps({"format": 12}), "odd07": "[" * 10000}
        os.makedirs(self.folder / "queue/odd08/status.json")
        controller = Controller(self, "controller", self.url)
        controller.wait_until_ready()
        self.wait_until(
            lambda: controller.metric("backsight_controller_statuses_left_out") == 8,
            controller.state)
        for name in [*(name for name in self.statuses if name.startswith("odd")), "odd08"]:
            told = [line for line in controller.log().splitlines() if f" {name}: " in line]
            self.assertEqual(len(told), 1, f"{name}: {controller.log()}")
        self.assertEqual(controller.ask("fra02")[0], 200)
        self.assertEqual(controller.get("readyz")[0], 200)
        self.statuses["odd04"] = self.status("odd04", 4)
        self.wait_until(
            lambda: controller.metric("backsight_controller_statuses_left_out") == 7,
            controller.state)
        self.assertEqual(controller.ask("odd04")[0], 200)


class OnABroker(AControllerOnAQueue):
    def setUp(self):
        if not Path(BROKER).exists():
            self.skipTest("no nats-server")
        super().setUp()

    def open_queue(self):
        self.port, = free_ports(1)
        self.url = f"nats://127.0.0.1:{self.port}"
        self.start_broker()
        self.addCleanup(self.kill_broker)
        done = subprocess.run([str(Path(program()).parent / "backsight"), "queue", "setup",
                               "--queue", self.url], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def start_broker(self):
        self.broker = subprocess.Popen(
            [BROKER, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd",
             str(self.folder / "store")], stderr=subprocess.DEVNULL)

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        self.wait_until(listens, str)

    def kill_broker(self):
        self.broker.send_signal(signal.SIGCONT)
        self.broker.kill()
        self.broker.wait()

    def announce(self, name, text):
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as broker:
            body = text.encode()
            broker.sendall(b'CONNECT {"verbose":false}\r\n' +
                           f"PUB backsight.v1.status.{name} {len(body)}\r\n".encode() + body +
                           b"\r\nPING\r\n")
            broker.recv(65536)
            broker.recv(65536)

    def test_a_second_controller_stays_the_second_whatever_the_broker_does(self):
        first = Controller(self, "first", self.url)
        first.wait_until_ready()
        second = Controller(self, "second", self.url)
        second.wait_until_told(f"process {first.process.pid} on ")
        self.expect_idle(second, "there can be one only")
        self.kill_broker()
        for controller in (first, second):
            controller.wait_until_told("nobody answers there")
            status, answer = controller.ask()
            self.assertEqual(status, 503, answer)
        self.start_broker()
        first.wait_until_ready()
        second.wait_until_told(f"process {first.process.pid} on ")
        self.assertEqual(first.get("readyz")[0], 200, first.state())
        first.kill()
        second.wait_until_ready()
        self.assertEqual(second.ask()[0], 200)

    def test_a_broker_that_stands_still_is_told_within_seconds(self):
        controller = Controller(self, "controller", self.url)
        controller.wait_until_ready()
        self.broker.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        self.wait_until(lambda: controller.get("readyz")[0] == 503, controller.state)
        self.assertLess(time.monotonic() - began, 10)
        status, answer = controller.ask()
        self.assertEqual(status, 503, answer)
        self.broker.send_signal(signal.SIGCONT)
        controller.wait_until_ready()


if __name__ == "__main__":
    unittest.main()
