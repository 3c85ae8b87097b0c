"""Nobody can make a vantage point believe a reply to a probe that was not answered."""

import random
import struct
import unittest

from vantage import (LabTest, Packet, frames, icmp_frame, skip_unless_possible, with_checksums)

FORGED = 5000
SEED = 20260901


def setUpModule():
    skip_unless_possible()


class Forgeries(LabTest):
    """vp1 is the victim; its router sends it what an attacker on the path could."""

    def setUp(self):
        self.wire_of_router = self.wire(self.vp("vp1")["router"], "to-vp1")

    def inject(self, frame):
        self.wire_of_router.send(frame)

    def first_frame(self, is_it):
        """The first such frame between vp1 and its router."""
        *_, (_, frame) = frames(self.wire_of_router, 5, lambda frame: is_it(Packet(frame)))
        self.assertTrue(is_it(Packet(frame)))
        return frame

    def observations_of(self, victim, expected):
        """Those of the victim after all that was sent before has been looked at."""
        self.assertTrue(victim.is_ready(self.vp("vp1")["gateway"]), victim.complaints())
        victim.wait_until(lambda: len(victim.observations) >= expected, 1)
        return victim.observations

    def captured_spoofed_reply(self, number):
        """The frame in which the reply to vp4's probe in vp1's name reached vp1, where nobody
        listened but the kernel, which ignores it."""
        task = {"id": number, "kind": "rr", "dst": self.address("far"), "src": self.address("vp1")}
        self.assertEqual(self.run_tasks("vp4", [task])[number]["outcome"], "sent")
        frame = self.first_frame(lambda packet: packet.is_echo_reply)
        self.assertEqual(Packet(frame).identity(), (4, number))
        return frame

    def test_a_spoofed_reply_is_observed_once_however_often_it_is_replayed(self):
        frame = self.captured_spoofed_reply(101)
        victim = self.start("vp1")
        self.assertEqual(self.observations_of(victim, 0), [])
        self.inject(frame)
        self.assertEqual(len(self.observations_of(victim, 1)), 1)
        for _ in range(5):
            self.inject(frame)
        [observation] = self.observations_of(victim, 2)
        self.assertEqual((observation["probe_vp"], observation["task"]), (4, 101))
        self.assertEqual(observation["record_route"], Packet(frame).recorded_route())

    def test_a_changed_bit_of_identity_handle_or_address_makes_it_nobodys(self):
        frame = self.captured_spoofed_reply(102)
        begin = 14 + Packet(frame).header_length
        handle, identity = range(begin + 4, begin + 8), range(begin + 8, begin + 24)
        source = range(26, 30)
        victim = self.start("vp1")
        self.assertEqual(self.observations_of(victim, 0), [])
        for at in (*handle, *identity, *source):
            for bit in range(8):
                changed = bytearray(frame)
                changed[at] ^= 1 << bit
                self.inject(with_checksums(changed))
        self.assertEqual(self.observations_of(victim, 1), [])
        self.inject(frame)
        self.assertEqual(len(self.observations_of(victim, 1)), 1)

    def test_a_damaged_or_cut_reply_is_nobodys_or_says_nothing_that_was_not_so(self):
        frame = self.captured_spoofed_reply(103)
        begin = 14 + Packet(frame).header_length
        proof = [*range(26, 34), *range(begin + 8, begin + 24)]  # addresses and identity
        victim = self.start("vp1")
        self.assertEqual(self.observations_of(victim, 0), [])
        generator = random.Random(SEED)

        def inject_damaged(places):  # with the old checksums
            damaged = bytearray(frame)
            damaged[generator.choice(places)] ^= generator.randrange(1, 256)
            self.inject(bytes(damaged))

        for end in range(14, proof[-1] + 1):
            self.inject(frame[:end])
        for _ in range(250):
            inject_damaged(proof)
        self.assertEqual(self.observations_of(victim, 1), [])
        for _ in range(250):
            inject_damaged([at for at in range(14, begin) if at not in proof])
        for observation in self.observations_of(victim, 1):
            self.assertEqual((observation["probe_vp"], observation["task"]), (4, 103))
            self.assertIn(observation.get("record_route", []),
                          ([], Packet(frame).recorded_route()))
        self.assertIsNone(victim.process.poll(), victim.complaints())

    def test_forged_echo_replies_answer_for_no_silent_host(self):
        tasks = [{"id": i, "kind": kind, "dst": self.address("silent"), "timeout_ms": 1000}
                 for i, kind in enumerate(("ping", "rr") * 100, 1)]
        victim = self.start("vp1")
        victim.put(tasks)
        probe = self.first_frame(lambda packet: packet.is_echo_request)
        ethernet = probe[6:12] + probe[:6] + probe[12:14]
        generator = random.Random(SEED)
        payload = Packet(probe).payload[8:16]  # VP and number are no secret on the path
        for i in range(FORGED):
            echo = b"\0\0\0\0" + generator.randbytes(4) + (payload if i % 2 else
                                                           generator.randbytes(8))
            self.inject(icmp_frame(ethernet, self.address("silent"), self.address("vp1"),
                                   echo + generator.randbytes(8)))
        self.assertEqual(victim.finish(), 0, victim.complaints())
        self.assert_one_result_each(victim, tasks)
        self.assertEqual({r["outcome"] for r in victim.results.values()}, {"timed_out"})

    def test_forged_time_exceeded_messages_add_no_hop(self):
        task = {"id": 1, "kind": "trace", "method": "udp", "dst": self.address("silent"),
                "first_ttl": 20, "max_ttl": 21, "attempts": 2, "timeout_ms": 400}
        victim = self.start("vp1")
        victim.put([task])
        probe = self.first_frame(lambda packet: packet.is_ipv4 and packet.protocol == 17)
        ethernet = probe[6:12] + probe[:6] + probe[12:14]
        generator = random.Random(SEED)
        right = struct.unpack_from("!H", probe, 40)[0]  # the handle's firm half
        for _ in range(FORGED):
            quote = bytearray(probe[14:42])
            identity, check = (generator.randrange(1 << 16) for _ in range(2))
            if check == right:
                continue
            struct.pack_into("!H", quote, 4, identity)
            struct.pack_into("!H", quote, 26, check)
            self.inject(icmp_frame(ethernet, "198.18.99.99", self.address("vp1"),
                                   b"\x0b\0\0\0\0\0\0\0" + bytes(quote)))
        self.assertEqual(victim.finish(), 0, victim.complaints())
        self.assertEqual([h for h in victim.results[1]["hops"] if "from" in h], [])


class Refusals(LabTest):
    """What no vantage point may be asked for. The wire shows that nothing left."""

    def test_what_is_not_enrolled_denied_or_no_ping_is_refused_and_never_sent(self):
        wire = self.wire(self.vp("vp2")["router"], "to-vp2")
        far, plain = self.address("far"), self.address("plain1")
        tasks = [
            {"id": 1, "kind": "rr", "dst": far, "src": "203.0.113.7"},
            {"id": 2, "kind": "trace", "dst": far, "src": self.address("vp1")},
            {"id": 3, "kind": "ping", "dst": "224.0.0.1"},
            {"id": 4, "kind": "ping", "dst": "127.0.0.1"},
            {"id": 5, "kind": "ping", "dst": plain},
        ]
        vp = self.start("vp2", {"deny.txt": f"{plain}/32\n"}, deny="deny.txt")
        vp.put(tasks)
        self.assertEqual(vp.finish(), 0, vp.complaints())
        self.assert_one_result_each(vp, tasks)
        self.assertEqual({n: r["reason"] for n, r in vp.results.items()},
                         {1: "not_enrolled", 2: "spoofed_kind", 3: "bogon", 4: "bogon",
                          5: "denied"})
        sent = [Packet(f) for _, f in frames(wire, 0.3)]
        self.assertEqual([p.dst for p in sent if p.is_ipv4 and p.protocol != 2], [])


if __name__ == "__main__":
    unittest.main()
