"""A vantage point and its link on real drivers: its gateway, single addresses, tags, ARP that lies."""

import socket
import struct
import time
import unittest

import test_vp_ports
from vantage import LabTest, Packet, frames, icmp_frame, skip_unless_possible

BROADCAST = b"\xff" * 6
HERE = bytes.fromhex("020000000077")  # of nobody else
PRIORITY, VLAN = b"\x81\x00\xe0\x00", b"\x81\x00\x00\x2a"


def setUpModule():
    skip_unless_possible()


def arp(operation, mac, sender, target, ethernet=None, tag=b"", to=BROADCAST):
    return (to + (ethernet or mac) + tag + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, operation)
            + mac + socket.inet_aton(sender) + bytes(6) + socket.inet_aton(target))


class Link(LabTest):
    """What all of it must be on any driver. The vantage point's kernel has no address."""

    options = ("--bare-vps",)
    node = "vp4"
    port: dict[str, str] = {}

    def setUp(self):
        if self.port:
            test_vp_ports.skip_without_af_xdp(self)
        self.host = self.vp(self.node)
        self.interface = f"to-{self.node}"

    def begin(self, **port):
        vp = self.start(self.node, port=self.port | port)
        self.assertTrue(vp.is_ready(self.host["gateway"]), vp.complaints())
        return vp

    def assert_reaches(self, vp, destination, task, seconds=5.0):
        """Pings until one is answered."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            task += 1
            vp.put([{"id": task, "kind": "ping", "dst": destination, "timeout_ms": 300}])
            vp.wait_until(lambda: task in vp.results, 10)
            if vp.results[task]["outcome"] == "replied":
                return
        self.fail(f"{destination} is not reached: {vp.results[task]}\n{vp.complaints()}")

    @staticmethod
    def await_complaint(vp, words, seconds=5.0):
        deadline = time.monotonic() + seconds
        while words not in vp.complaints() and time.monotonic() < deadline:
            time.sleep(0.05)

    def router_mac(self):
        done = self.execute(self.host["router"], "cat", f"/sys/class/net/{self.interface}/address")
        return done.stdout.strip()

    def test_a_gateway_that_moved_without_a_word_is_found_and_told(self):
        vp = self.begin()
        far = self.address("plain1")
        self.assert_reaches(vp, far, 10)
        before, after = self.router_mac(), "02:00:00:00:04:99"
        done = self.execute(self.host["router"], "ip", "link", "set", "dev", self.interface, "address",
                            after)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(self.execute, self.host["router"], "ip", "link", "set", "dev", self.interface,
                        "address", before)
        self.assert_reaches(vp, far, 1000, 20.0)
        self.await_complaint(vp, "moved")
        self.assertEqual(vp.complaints().count(f"moved from {before} to {after}"), 1, vp.complaints())

    def test_a_single_address_is_enough(self):
        vp = self.begin(address=f"{self.host['address']}/32")
        self.assert_reaches(vp, self.address("plain1"), 10)

    def test_a_prefix_off_the_link_is_reached_through_the_gateway(self):
        vp = self.begin(on_link=False)
        self.assert_reaches(vp, self.address("plain1"), 10)

    def test_arp_that_cannot_be_true_is_not_believed_and_told_once(self):
        vp = self.begin()
        wire = self.wire(self.host["router"], self.interface)
        gateway = self.host["gateway"]
        for _ in range(20):
            for mac in (BROADCAST, bytes(6), b"\x01\x00\x5e\x00\x00\x01"):
                for operation in (1, 2):
                    wire.send(arp(operation, mac, gateway, gateway, ethernet=HERE))
        self.assert_reaches(vp, self.address("plain1"), 10)
        self.await_complaint(vp, "not believed")
        self.assertEqual(vp.complaints().count("not believed"), 1, vp.complaints())

    def test_somebody_with_its_address_is_told(self):
        vp = self.begin()
        wire = self.wire(self.host["router"], self.interface)
        own = self.host["address"]
        wire.send(arp(1, HERE, own, own))
        self.await_complaint(vp, "claims our address")
        self.assertIn("02:00:00:00:00:77 claims our address", vp.complaints())
        self.assert_reaches(vp, self.address("plain1"), 10)

    def test_frames_with_a_priority_are_its_own_and_those_of_a_vlan_are_not(self):
        self.begin()
        wire = self.wire(self.host["router"], self.interface)
        asker = self.host["gateway"]
        *_, (_, answer) = frames(self.asked(wire, arp(1, HERE, asker, self.host["address"])), 5,
                                 lambda f: self.is_arp_reply(f))
        own_mac = answer[6:12]
        tagged = {PRIORITY: True, VLAN: False, PRIORITY + VLAN: False, VLAN + PRIORITY: False, b"": True}
        for tags, is_ours in tagged.items():
            with self.subTest(tags=tags.hex()):
                self.asked(wire, arp(1, HERE, asker, self.host["address"], tag=tags))
                self.assertEqual(self.comes(wire, self.is_arp_reply, is_ours), is_ours)
                echo = icmp_frame(own_mac + HERE + b"\x08\x00", asker, self.host["address"],
                                  struct.pack("!BBHHH", 8, 0, 0, 77, 1) + b"is it there?")
                self.asked(wire, echo[:12] + tags + echo[12:])
                self.assertEqual(self.comes(wire, lambda f: Packet(f).is_echo_reply, is_ours), is_ours)

    @staticmethod
    def asked(wire, frame):
        wire.send(frame)
        return wire

    @staticmethod
    def is_arp_reply(frame):
        return frame[:6] == HERE and frame[12:14] == b"\x08\x06" and frame[21] == 2

    @staticmethod
    def comes(wire, is_it, is_expected):
        """Whether such a frame comes to whom asked, soon. What is not expected is not waited for long."""
        wait = 5 if is_expected else 0.3
        return any(frame[:6] == HERE and is_it(frame)
                   for _, frame in frames(wire, wait, lambda f: f[:6] == HERE and is_it(f)))


class LinkOnAfPacket(Link):
    pass


class LinkOnAfXdp(Link):
    port = test_vp_ports.AF_XDP


del Link  # is run for each driver, not by itself

if __name__ == "__main__":
    unittest.main()
