"""A vantage point on every kind of port a machine without a network card has."""

import os
import time
import unittest

from vantage import LabTest, Packet, frames, skip_unless_possible

from lab.kernel import Flow

AF_XDP = {"device": "net_af_xdp0,iface=eth0"}


def setUpModule():
    skip_unless_possible()


def skip_without_af_xdp(test):
    vp = test.start("vp2", port=AF_XDP)
    if not vp.is_ready(test.vp("vp2")["gateway"]):
        test.skipTest(f"AF_XDP does not work here: {vp.complaints()}")
    vp.finish()


class PortsInALab(LabTest):
    def rr_and_trace(self, **config):
        """Both must be what the routing tables say."""
        far = self.address("far")
        results = self.run_tasks("vp1", [
            {"id": 1, "kind": "rr", "dst": far},
            {"id": 2, "kind": "trace", "method": "icmp", "dst": far}], **config)
        answer = self.truth.answer("vp1", "far", flow=Flow("icmp"))
        self.assertEqual([results[1].get("record_route")], answer["record_route"])
        visible = [hop for hop in answer["forward"][0] if not hop["hidden"]]
        seen = [hop.get("from") for hop in results[2]["hops"]]
        self.assertEqual(len(seen), len(visible) + 1)
        for address, hop in zip(seen, visible):
            self.assertIn(address, hop["time_exceeded"])

    def test_af_packet_measures_the_truth_without_hugepages(self):
        self.rr_and_trace()

    def test_af_xdp_measures_the_truth(self):
        skip_without_af_xdp(self)
        self.rr_and_trace(port=AF_XDP)

    def test_an_af_xdp_port_can_be_opened_again_after_a_kill(self):
        skip_without_af_xdp(self)
        for _ in range(2):
            vp = self.start("vp2", port=AF_XDP)
            self.assertTrue(vp.is_ready(self.vp("vp2")["gateway"]), vp.complaints())
            vp.end()

    def test_two_workers_share_the_one_queue_of_an_af_xdp_port(self):
        skip_without_af_xdp(self)
        self.two_workers_answer_every_task(port=AF_XDP)

    def test_two_workers_answer_every_task_whichever_queue_the_reply_comes_to(self):
        self.two_workers_answer_every_task()

    def two_workers_answer_every_task(self, **config):
        cores = sorted(os.sched_getaffinity(0))[:2]
        if len(cores) < 2:
            self.skipTest("one core only")
        tasks = [{"id": i, "kind": "ping" if i % 2 else "rr", "dst": self.address(destination)}
                 for i, destination in enumerate(("plain1", "plain2", "tunnelled") * 100, 1)]
        tasks += [{"id": 1000 + i, "kind": "trace", "dst": self.address("far")} for i in range(9)]
        results = self.run_tasks("vp2", tasks, engine={"workers": cores}, **config)
        outcomes = {r["outcome"] for i, r in results.items() if i < 1000}
        self.assertEqual(outcomes, {"replied"})
        self.assertEqual({r["outcome"] for i, r in results.items() if i > 1000}, {"reached"})

    def test_the_first_probe_leaves_within_two_seconds_of_the_start(self):
        wire = self.wire(self.vp("vp3")["router"], "to-vp3")
        vp = self.start("vp3")
        vp.put([{"id": 1, "kind": "rr", "dst": self.address("plain1")}])
        *_, (seen_at, frame) = frames(wire, 5, lambda f: Packet(f).is_echo_request)
        self.assertTrue(Packet(frame).is_echo_request)
        self.assertLess(seen_at - vp.started_at, 2.0)

    def test_a_name_that_is_no_interface_is_said_so_with_exit_code_2(self):
        vp = self.start("vp1", port={"device": "net_af_packet0,iface=eth7"})
        self.assertEqual(vp.finish(), 2)
        self.assertIn("no interface eth7", vp.complaints())


class BareVantagePoints(LabTest):
    """Their kernel has no address: only the program speaks for it."""

    options = ("--bare-vps",)

    def ping_from_router(self, vp, wait="2"):
        host = self.vp(vp)
        return self.execute(host["router"], "ping", "-n", "-c", "3", "-i", "0.2", "-W", wait,
                            host["address"])

    def check_answers(self, **config):
        vp = self.start("vp1", **config)
        self.assertTrue(vp.is_ready(self.vp("vp1")["gateway"]), vp.complaints())
        pinged = self.ping_from_router("vp1")
        self.assertEqual(pinged.returncode, 0, pinged.stdout)
        self.assertIn("3 received", pinged.stdout)
        self.assertNotIn("DUP", pinged.stdout)

    def test_nobody_answers_before_the_program_runs(self):
        self.assertEqual(self.ping_from_router("vp5", wait="0.2").returncode, 1)

    def test_the_program_answers_arp_and_echo_requests_on_af_packet(self):
        self.check_answers()

    def test_the_program_answers_arp_and_echo_requests_on_af_xdp(self):
        skip_without_af_xdp(self)
        self.check_answers(port=AF_XDP)

    def test_an_unreachable_gateway_is_said_and_used_once_it_appears(self):
        host = self.vp("vp4")
        prefix = f"{host['gateway']}/{host['prefix_length']}"
        self.router("address", "delete", prefix, "dev", "to-vp4")
        vp = self.start("vp4")
        vp.put([{"id": 1, "kind": "ping", "dst": self.address("vp2")},
                {"id": 2, "kind": "ping", "dst": host["gateway"], "timeout_ms": 300}])
        deadline = time.monotonic() + 10
        while "gateway" not in vp.complaints() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertIn(host["gateway"], vp.complaints())
        self.assertIsNone(vp.process.poll())
        self.router("address", "add", prefix, "dev", "to-vp4")
        self.assertTrue(vp.is_ready(host["gateway"], 10), vp.complaints())
        self.assertEqual(vp.finish(), 0)
        self.assertEqual({1, 2} - vp.results.keys(), set())

    def router(self, *words):
        done = self.execute(self.vp("vp4")["router"], "ip", *words)
        self.assertEqual(done.returncode, 0, done.stderr)


class SoftPorts(LabTest):
    """Ports that need nothing of a lab but a namespace to be in."""

    def test_tap_pings_the_kernel_at_its_other_end(self):
        if not os.path.exists("/dev/net/tun"):
            self.skipTest("no /dev/net/tun here")
        vp = self.start("vp1", port={"device": "net_tap0,iface=tap0", "address": "10.9.0.2/24",
                                     "gateway": "10.9.0.1"})
        deadline = time.monotonic() + 5
        while "10.9.0.1" not in vp.complaints() and time.monotonic() < deadline:
            time.sleep(0.05)  # it is up, and nobody answers yet
        # Both ends have one Ethernet address, and what seems to come from itself is not taken.
        for words in (["link", "set", "dev", "tap0", "address", "02:00:00:00:00:01"],
                      ["address", "add", "10.9.0.1/24", "dev", "tap0"]):
            done = self.execute("vp1", "ip", *words)
            self.assertEqual(done.returncode, 0, done.stderr + vp.complaints())
        self.assertTrue(vp.is_ready("10.9.0.1"), vp.complaints())

    def test_two_vantage_points_ping_each_other_through_memif(self):
        socket_file = self.folder / "memif.sock"
        ports = {"vp1": ("server", "10.9.1.1"), "vp2": ("client", "10.9.1.2")}
        running = {}
        for node, (role, address) in ports.items():
            running[node] = self.start(node, port={
                "device": f"net_memif0,role={role},id=0,socket={socket_file},"
                          f"socket-abstract=no", "address": f"{address}/24",
                "gateway": "10.9.1.2" if role == "server" else "10.9.1.1"})
            time.sleep(0.5)
        for node, other in (("vp1", "10.9.1.2"), ("vp2", "10.9.1.1")):
            self.assertTrue(running[node].is_ready(other, 8), running[node].complaints())


if __name__ == "__main__":
    unittest.main()
