"""A vantage point whose interface goes down, loses its carrier, is deleted, made again, changed or
taken while it runs, on every driver that uses an interface."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from vantage import KEY, Vantage, config_of, frames, in_namespace, program, skip_unless_possible, \
    socket_in
from xdp import attach_xdp_program

GATEWAY = "198.18.0.1"
HOST = {"node": "vp1", "interface": "eth0", "address": "198.18.0.10", "prefix_length": 24,
        "gateway": GATEWAY}
DRIVERS = ("net_af_packet0", "net_af_xdp0")
METRICS = 9464
PATIENCE = 60  # seconds; on a machine that is busy with other things


def setUpModule():
    skip_unless_possible()


class OnAWire(unittest.TestCase):
    """Two namespaces and a wire between them: at one end the vantage point, at the other Linux."""

    def setUp(self):
        self.name = f"test-links-{os.getpid()}-{time.monotonic_ns() % 10**6}"
        self.folder = Path(tempfile.mkdtemp(prefix="backsight-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for node in ("vp1", "peer"):
            self.run_ip("netns", "add", self.namespace(node))
            self.addCleanup(subprocess.call, ["ip", "netns", "delete", self.namespace(node)])
            self.ip(node, "link", "set", "dev", "lo", "up")
        self.make_wire()

    def namespace(self, node):
        return f"{self.name}-{node}"

    def run_ip(self, *words):
        done = subprocess.run(["ip", *words], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"ip {' '.join(words)}: {done.stderr}")
        return done.stdout

    def ip(self, node, *words):
        return self.run_ip("-netns", self.namespace(node), *words)

    def make_wire(self):
        self.run_ip("link", "add", "name", "eth0", "netns", self.namespace("vp1"), "type", "veth",
                    "peer", "name", "eth0", "netns", self.namespace("peer"))
        self.ip("peer", "address", "add", f"{GATEWAY}/24", "dev", "eth0")
        self.ip("peer", "link", "set", "dev", "eth0", "up")
        self.ip("vp1", "link", "set", "dev", "eth0", "up")

    def set_link(self, node, *words, interface="eth0"):
        self.ip(node, "link", "set", "dev", interface, *words)

    def start(self, device, interface="eth0", **config):
        vp = Vantage(self, HOST, {}, (), {
            "port": {"device": f"{device},iface={interface}"},
            "metrics": {"listen": f"127.0.0.1:{METRICS}"}} | config)
        self.addCleanup(vp.end)
        return vp

    def started(self, device, **config):
        vp = self.start(device, **config)
        self.assertTrue(vp.is_ready(GATEWAY, PATIENCE), vp.complaints())
        return vp

    def page(self, path):
        """The status and the text of a page, or (0, "") when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", METRICS, timeout=5)
        try:
            connection.sock = in_namespace(
                self.namespace("vp1"),
                lambda: socket.create_connection(("127.0.0.1", METRICS), 5))
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def metric(self, name):
        return self.metrics(name)[0]

    def metrics(self, *names):
        """The sums of some metrics, of one moment."""
        text = self.page("/metrics")[1]
        found = (re.findall(rf"^backsight_vp_{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
                 for name in names)
        return [sum(map(float, figures)) for figures in found]

    def comes(self, is_so):
        deadline = time.monotonic() + PATIENCE
        while not (said := is_so()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return said

    def assert_held(self, vp, sentence):
        """As long as it lasts it is told everywhere."""
        self.assertTrue(self.comes(lambda: sentence in self.page("/readyz")[1]),
                        f"{self.page('/readyz')} {vp.complaints()}")
        self.assertEqual(self.page("/readyz")[0], 503)
        self.assertEqual(self.metric("port_usable"), 0)
        self.assertGreater(self.metric("port_interruptions_total"), 0)
        self.assertEqual(vp.complaints().count(sentence), 1, vp.complaints())

    def assert_was_held(self, vp, sentence):
        """It was noticed, told, and is over."""
        self.assertTrue(self.comes(lambda: sentence in vp.complaints()), vp.complaints())
        self.assertGreater(self.metric("port_interruptions_total"), 0)
        self.assert_goes_on(vp)

    def assert_goes_on(self, vp):
        self.assertTrue(self.comes(lambda: self.page("/readyz")[0] == 200),
                        f"{self.page('/readyz')} {vp.complaints()}")
        self.assertEqual(self.metric("port_usable"), 1)
        self.assertEqual(self.metric("port_link_up"), 1)
        self.assertIn("goes on", vp.complaints())

    def put(self, vp, first, count, timeout_ms=5000):
        tasks = [{"id": i, "kind": ("ping", "rr")[i % 2], "dst": GATEWAY, "timeout_ms": timeout_ms}
                 for i in range(first, first + count)]
        vp.put(tasks)
        return {task["id"] for task in tasks}

    def assert_truthful(self, vp, tasks):
        """Each has its result; nothing that could not be answered is called silent."""
        self.assertTrue(vp.wait_until(lambda: tasks <= vp.results.keys(), PATIENCE),
                        vp.complaints())
        outcomes = {(vp.results[i]["outcome"], vp.results[i].get("reason")) for i in tasks}
        self.assertLessEqual(outcomes, {("replied", None), ("send_failed", "link")})
        return outcomes

    def assert_all_replied(self, vp, tasks):
        self.assertEqual(self.assert_truthful(vp, tasks), {("replied", None)})

    def assert_laws(self):
        """What left is what was counted as sent, and what came is what was received."""
        def differences():
            transmitted, lost, probes, arp, echoes, received, came = self.metrics(
                "port_packets_transmitted_total", "port_tx_lost_total", "probes_sent_total",
                "arp_sent_total", "echo_replies_sent_total", "packets_received_total",
                "port_packets_received_total")
            return transmitted + lost - probes - arp - echoes, came - received
        self.assertTrue(self.comes(lambda: differences() == (0, 0)), f"{differences()} packets")


class LinksThatGo(OnAWire):
    def is_told_and_goes_on(self, device, sentence, take, give_back):
        with self.subTest(device):
            vp = self.started(device)
            take()
            self.assert_held(vp, sentence)
            self.assertEqual(self.metric("port_link_up"), 0)
            sent = self.metric("probes_sent_total")
            waiting = self.put(vp, 1, 20)
            time.sleep(0.3)
            self.assertEqual(self.metric("probes_sent_total"), sent)
            give_back()
            self.assert_goes_on(vp)
            self.assert_truthful(vp, waiting)
            self.assert_all_replied(vp, self.put(vp, 100, 20))
            self.assert_laws()
            self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_a_link_that_is_set_down_holds_all_until_it_is_up(self):
        for device in DRIVERS:
            self.is_told_and_goes_on(
                device, "the link is down (eth0 is not set up)",
                lambda: self.set_link("vp1", "down"), lambda: self.set_link("vp1", "up"))

    def test_a_link_without_carrier_holds_all_until_the_other_end_is_back(self):
        for device in DRIVERS:
            self.is_told_and_goes_on(
                device, "the link is down (eth0 has no carrier)",
                lambda: self.set_link("peer", "down"), lambda: self.set_link("peer", "up"))

    def test_an_interface_that_is_deleted_is_taken_up_when_it_is_made_again(self):
        for device in DRIVERS:
            self.is_told_and_goes_on(
                device, "there is no interface eth0 any more",
                lambda: self.ip("vp1", "link", "delete", "dev", "eth0"), self.make_wire)

    def test_an_interface_can_be_deleted_and_made_again_twenty_times(self):
        for device in DRIVERS:
            with self.subTest(device):
                vp = self.started(device)
                for i in range(20):
                    self.ip("vp1", "link", "delete", "dev", "eth0")
                    self.make_wire()
                    tasks = self.put(vp, 100 * (i + 1), 5, 2000)
                    self.assert_truthful(vp, tasks)
                self.assert_goes_on(vp)
                self.assert_all_replied(vp, self.put(vp, 5000, 5))
                self.assertGreaterEqual(self.metric("port_reopened_total"), 1)
                self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_probes_under_way_when_the_link_goes_say_nothing_of_their_destinations(self):
        for device in DRIVERS:
            with self.subTest(device):
                vp = self.started(device, rates={"total_pps": 1000})
                tasks = self.put(vp, 1, 2500, 3000)
                for up in (False, True, False, True):
                    time.sleep(0.4)
                    self.set_link("peer", "up" if up else "down")
                outcomes = self.assert_truthful(vp, tasks)
                self.assertIn(("replied", None), outcomes)
                self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_tasks_of_a_file_end_with_the_reason_when_the_interface_stays_away(self):
        for device in DRIVERS:
            with self.subTest(device):
                vp = self.started(device)
                self.ip("vp1", "link", "delete", "dev", "eth0")
                self.assert_held(vp, "there is no interface eth0 any more")
                tasks = self.put(vp, 1, 2000)
                vp.put([{"id": 5000, "kind": "trace", "dst": GATEWAY}])
                self.assertEqual(vp.finish(PATIENCE), 0, vp.complaints())
                self.assertEqual(self.assert_truthful(vp, tasks | {5000}),
                                 {("send_failed", "link")})
                self.make_wire()

    def test_started_without_a_link_it_says_so_and_goes_on_when_it_comes(self):
        for device in DRIVERS:
            for node in ("vp1", "peer"):
                with self.subTest(device=device, down=node):
                    self.set_link(node, "down")
                    vp = self.start(device)
                    told = self.comes(lambda: self.page("/readyz")[1])
                    self.assertIn("the link is down (eth0", told, vp.complaints())
                    self.assertNotIn("ARP", told)
                    tasks = self.put(vp, 1, 5)
                    time.sleep(1.5)
                    self.assertNotIn("ARP", vp.complaints())
                    self.set_link(node, "up")
                    self.assert_goes_on(vp)
                    self.assert_truthful(vp, tasks)
                    self.assert_all_replied(vp, self.put(vp, 100, 5))
                    self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_a_queue_keeps_its_tasks_while_nothing_can_be_sent(self):
        for device in DRIVERS:
            with self.subTest(device):
                queue = self.folder / f"queue-{device}"
                config = config_of(HOST, {"port": {"device": f"{device},iface=eth0"},
                                          "queue": {"url": f"file://{queue}"},
                                          "metrics": {"listen": f"127.0.0.1:{METRICS}"}})
                del config["spoofing"]
                (self.folder / "fleet.key").write_text(KEY + "\n")
                (self.folder / "fleet.key").chmod(0o600)
                file = self.folder / "served.yaml"
                file.write_text(json.dumps(config))
                with (self.folder / "said").open("w+") as said:
                    serving = subprocess.Popen(
                        ["ip", "netns", "exec", self.namespace("vp1"), program(), "--config",
                         str(file)], stdin=subprocess.DEVNULL, stderr=said)
                    self.addCleanup(serving.kill)
                    self.assertTrue(self.comes(lambda: self.page("/readyz")[0] == 200))
                    self.set_link("peer", "down")
                    self.assertTrue(self.comes(lambda: self.page("/readyz")[0] == 503))
                    tasks = "".join(f'{{"id":{i},"kind":"ping","dst":"{GATEWAY}"}}\n'
                                    for i in range(1, 201))
                    cli = str(Path(program()).with_name("backsight"))
                    put = subprocess.run(
                        [cli, "queue", "put", "--queue", f"file://{queue}", "--vp", "vp1", "-"],
                        input=tasks, capture_output=True, text=True)
                    self.assertEqual(put.returncode, 0, put.stderr)
                    time.sleep(1)
                    self.assertEqual(self.metric("tasks_received_total"), 0)
                    self.set_link("peer", "up")
                    self.assertTrue(self.comes(
                        lambda: 'results_total{outcome="replied"} 200' in self.page("/metrics")[1]),
                        self.page("/metrics")[1])
                    serving.send_signal(signal.SIGTERM)
                    self.assertEqual(serving.wait(PATIENCE), 0)


class InterfacesThatChange(OnAWire):
    def test_another_mac_address_is_used_from_then_on(self):
        for device in DRIVERS:
            with self.subTest(device):
                vp = self.started(device)
                wire = socket_in(self.namespace("peer"), "eth0")
                self.addCleanup(wire.close)
                fresh = f"02:00:00:00:01:{os.urandom(1).hex()}"
                self.set_link("vp1", "address", fresh)
                self.assert_was_held(vp, "the MAC address of eth0 changed from")
                tasks = self.put(vp, 1, 10)
                self.assert_all_replied(vp, tasks)
                self.assertGreaterEqual(
                    sum(frame[6:12] == bytes.fromhex(fresh.replace(":", ""))
                        for _, frame in frames(wire, 0.5)), len(tasks))
                self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_another_mtu_is_told_and_one_too_small_for_probes_holds_all(self):
        for device in DRIVERS:
            with self.subTest(device):
                vp = self.started(device)
                self.set_link("vp1", "mtu", "1400")
                self.assert_was_held(vp, "the MTU of eth0 changed from 1500 to 1400")
                self.set_link("vp1", "mtu", "68")
                self.assert_held(vp, "the MTU of eth0 is 68, and probes need 88")
                tasks = self.put(vp, 1, 4)
                self.set_link("vp1", "mtu", "1500")
                self.assert_truthful(vp, tasks)
                self.assert_goes_on(vp)
                self.assert_all_replied(vp, self.put(vp, 100, 4))
                self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_frames_to_others_and_promiscuous_mode_change_nothing(self):
        for device in DRIVERS:
            with self.subTest(device):
                vp = self.started(device)
                self.set_link("vp1", "promisc", "on")
                wire = socket_in(self.namespace("peer"), "eth0")
                self.addCleanup(wire.close)
                # An ARP answer and a ping, right in all but the address on the link.
                arp = bytes.fromhex("02000000beef0200000000010806000108000604000202000000000"
                                    "1c6120001" "02000000beef" "c612000a")
                for _ in range(20):
                    wire.send(arp.ljust(60, b"\0"))
                tasks = self.put(vp, 1, 20)
                self.assert_all_replied(vp, tasks)
                self.assertEqual(self.page("/readyz")[0], 200)
                self.assertEqual(self.metric("port_interruptions_total"), 0)
                self.assertGreaterEqual(self.metric("replies_total"), 20)
                self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_an_xdp_program_that_is_taken_off_is_attached_again(self):
        vp = self.started("net_af_xdp0")
        for i in range(1, 4):
            self.set_link("vp1", "xdp", "off")
            self.assertTrue(self.comes(
                lambda: vp.complaints().count("our XDP program was taken off eth0") == i),
                vp.complaints())
            self.assert_truthful(vp, self.put(vp, 100 * i, 20))
            self.assert_goes_on(vp)
            self.assert_all_replied(vp, self.put(vp, 100 * i + 50, 20))
            self.assertIn("xdp", self.ip("vp1", "link", "show", "dev", "eth0"))
        self.assert_laws()
        self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_another_xdp_program_in_the_place_of_ours_is_told_and_left_alone(self):
        vp = self.started("net_af_xdp0")
        number = in_namespace(self.namespace("vp1"), lambda: attach_xdp_program("eth0"))
        self.assert_held(vp, f"XDP program {number} took the place of ours on eth0")
        tasks = self.put(vp, 1, 20)
        time.sleep(0.7)
        self.assertIn(f"id {number} ", self.ip("vp1", "link", "show", "dev", "eth0"))
        self.set_link("vp1", "xdp", "off")
        self.assert_truthful(vp, tasks)
        self.assert_goes_on(vp)
        self.assert_all_replied(vp, self.put(vp, 100, 20))
        number = in_namespace(self.namespace("vp1"), lambda: attach_xdp_program("eth0"))
        self.assertTrue(self.comes(lambda: str(number) in self.page("/readyz")[1]))
        self.assertEqual(vp.finish(), 0, vp.complaints())
        self.assertIn(f"id {number} ", self.ip("vp1", "link", "show", "dev", "eth0"),
                      "it ends, and leaves what is not its own")


    def test_an_interface_with_another_xdp_program_is_refused_and_left_as_it_was(self):
        number = in_namespace(self.namespace("vp1"), lambda: attach_xdp_program("eth0"))
        vp = self.start("net_af_xdp0")
        self.assertEqual(vp.finish(PATIENCE), 2)
        self.assertIn(f"XDP program {number} is on eth0 already; `ip link set dev eth0 xdp off` "
                      "detaches it", vp.complaints())
        self.assertIn(f"id {number} ", self.ip("vp1", "link", "show", "dev", "eth0"))


class OneOfUsOnAnInterface(OnAWire):
    def test_a_second_one_is_refused_and_the_first_is_not_disturbed(self):
        for first in DRIVERS:
            vp = self.started(first)
            for second in DRIVERS:
                with self.subTest(first=first, second=second):
                    other = self.start(second, metrics={"listen": "off"})
                    self.assertNotEqual(other.finish(PATIENCE), 0)
                    self.assertIn(
                        f"process {vp.pid()} of Backsight has eth0 already; an interface can have "
                        "one", other.complaints())
                    self.assertEqual(len(other.complaints().splitlines()), 1, other.complaints())
                    tasks = self.put(vp, 1 if second == DRIVERS[0] else 100, 20)
                    self.assert_all_replied(vp, tasks)
                    self.assertEqual(self.metric("port_interruptions_total"), 0)
            self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_an_interface_without_ethernet_is_refused(self):
        if os.path.exists("/dev/net/tun"):
            self.ip("vp1", "tuntap", "add", "dev", "tun0", "mode", "tun")
        for interface in ("lo", "tun0"):
            for device in DRIVERS:
                with self.subTest(interface=interface, device=device):
                    if interface not in self.ip("vp1", "link", "show"):
                        self.skipTest("no tun here")
                    vp = self.start(device, interface)
                    self.assertEqual(vp.finish(PATIENCE), 2)
                    self.assertIn(f"{interface} carries no Ethernet frames", vp.complaints())


class Taps(OnAWire):
    """The vantage point makes the interface; the kernel of its own namespace is the other end."""

    def setUp(self):
        super().setUp()
        if not os.path.exists("/dev/net/tun"):
            self.skipTest("no /dev/net/tun here")

    def prepare_kernel(self):
        self.assertTrue(self.comes(lambda: "tap0" in self.ip("vp1", "link", "show")))
        self.ip("vp1", "address", "add", f"{GATEWAY}/24", "dev", "tap0")

    def started_tap(self):
        vp = self.start("net_tap0", "tap0")
        self.prepare_kernel()
        self.assertTrue(vp.is_ready(GATEWAY, PATIENCE), vp.complaints())
        return vp

    def test_a_tap_that_is_set_down_holds_all_until_it_is_up(self):
        vp = self.started_tap()
        self.set_link("vp1", "down", interface="tap0")
        self.assert_held(vp, "the link is down (tap0 is not set up)")
        tasks = self.put(vp, 1, 20)
        self.set_link("vp1", "up", interface="tap0")
        self.assert_truthful(vp, tasks)
        self.assert_goes_on(vp)
        self.assert_all_replied(vp, self.put(vp, 100, 20))
        self.assert_laws()
        self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_a_tap_that_is_deleted_is_made_again(self):
        vp = self.started_tap()
        self.ip("vp1", "link", "delete", "dev", "tap0")
        self.assertTrue(self.comes(lambda: "tap0 was deleted" in vp.complaints()))
        self.prepare_kernel()
        self.assert_truthful(vp, self.put(vp, 1, 20))
        self.assert_goes_on(vp)
        self.assert_all_replied(vp, self.put(vp, 100, 20))
        self.assertEqual(vp.finish(), 0, vp.complaints())

    def test_a_second_one_on_a_tap_is_refused(self):
        vp = self.started_tap()
        other = self.start("net_tap0", "tap0", metrics={"listen": "off"})
        self.assertNotEqual(other.finish(PATIENCE), 0)
        self.assertIn(f"process {vp.pid()} of Backsight has tap0 already", other.complaints())
        tasks = self.put(vp, 1, 20)
        self.assert_all_replied(vp, tasks)
        self.assertEqual(vp.finish(), 0, vp.complaints())


if __name__ == "__main__":
    unittest.main()
