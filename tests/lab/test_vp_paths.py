"""What vantage points measure equals the routing tables and what scamper measures, pair by pair."""

import json
import struct
import subprocess
import time
import unittest

from vantage import TIMEOUT_MS, LabTest, Packet, skip_unless_possible, udp_flow

from lab.kernel import Flow
from lab.topology import SILENT

SLOTS = 9
FLOWS = 12  # all on one branch once in 2048 labs
METHODS = {
    "icmp": ("icmp-paris", Flow("icmp")),
    "udp": ("udp-paris -s 32768 -d 33434", udp_flow(0)),
    "tcp": ("tcp -s 32768 -d 80", Flow("tcp", 32768, 80)),
}


def setUpModule():
    skip_unless_possible("scamper", "tcpdump")


class PathsOfALab(LabTest):
    """The tests of both labs."""

    tasks: list[tuple[dict, str]]  # of each vantage point
    scampers: list[tuple[str, str, subprocess.Popen]]
    results: dict[tuple[str, str, str], dict]  # by vantage point, destination and kind
    scamper: dict[tuple[str, str, str], dict]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tasks = [(cls.plan(vp), vp) for vp in cls.vps()]
        cls.scampers = cls.start_scampers()
        cls.results = cls.measure()
        cls.scamper = cls.read_scampers()

    @classmethod
    def plan(cls, vp):
        """Each task with what it is for."""
        kinds: list[tuple[str, dict]] = [("ping", {}), ("rr", {}), *(
            (f"trace {method}", {"method": method, "attempts": 1, "gap_limit": 2})
            for method in METHODS)]
        return {number: (destination, kind, {
                    "id": number, "kind": kind.split()[0], "dst": cls.address(destination),
                    "timeout_ms": TIMEOUT_MS, **more})
                for number, (destination, (kind, more)) in enumerate(
                    ((d, k) for d in cls.destinations() for k in kinds), 1)}

    @classmethod
    def measure(cls):
        """Results by vantage point, destination and kind, all vantage points at once."""
        self = cls()
        running = []
        try:
            for tasks, vp in cls.tasks:
                running.append((tasks, self.start(vp)))
                running[-1][1].put([task for _, _, task in tasks.values()])
            found = {}
            for tasks, its in running:
                code = its.finish()
                assert code == 0, its.complaints()
                self.assert_one_result_each(its, [task for _, _, task in tasks.values()])
                for number, (destination, kind, _) in tasks.items():
                    found[its.name, destination, kind] = its.results[number]
            return found
        finally:
            self.doCleanups()

    @classmethod
    def start_scampers(cls):
        addresses = [cls.address(d) for d in cls.destinations()]
        commands = {"rr": "ping -R -c 1"} | {
            f"trace {method}": f"trace -P {words} -q 1 -w 1 -g 2"
            for method, (words, _) in METHODS.items()}
        return [(vp, kind, subprocess.Popen(
                    ["ip", "netns", "exec", cls.namespace(vp), "scamper", "-p", "1000", "-O",
                     "json", "-c", command, "-i", *addresses],
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
                for vp in cls.vps() for kind, command in commands.items()]

    @classmethod
    def read_scampers(cls):
        found = {}
        for vp, kind, process in cls.scampers:
            for line in process.communicate()[0].splitlines():
                result = json.loads(line)
                if not result["type"].startswith("cycle"):
                    found[vp, cls.truth.node_of(result["dst"]), kind] = result
        return found

    def each(self, kind):
        """(vantage point, destination, result) of all pairs."""
        pairs = [(vp, d) for vp in self.vps() for d in self.destinations()]
        for vp, destination in pairs:
            with self.subTest(f"{kind} from {vp} to {destination}"):
                yield vp, destination, self.results[vp, destination, kind]

    def special(self, destination):
        return self.truth.kernel.nodes[destination]["special"]

    def true_routes(self, vp, destination, **more):
        return self.truth.answer(vp, destination, flow=Flow("icmp"), **more)["record_route"]

    def assert_is_path(self, result, path, destination):
        """`result` is a trace that went along `path` of the truth."""
        seen = {hop["ttl"]: hop["from"] for hop in result["hops"] if "from" in hop}
        visible = [hop for hop in path if not hop["hidden"]]
        for ttl, hop in enumerate(visible, 1):
            self.assertIn(seen.pop(ttl, None), hop["time_exceeded"], f"TTL {ttl}, {hop['node']}")
        if self.special(destination) == SILENT:
            self.assertEqual((seen, result["outcome"]), ({}, "gap_limit"))
        else:
            last = {len(visible) + 1: self.address(destination)}
            self.assertEqual((seen, result["outcome"]), (last, "reached"))

    def test_pings_are_answered_by_all_but_the_silent_host(self):
        for vp, destination, result in self.each("ping"):
            is_silent = self.special(destination) == SILENT
            self.assertEqual(result["outcome"], "timed_out" if is_silent else "replied")

    def test_record_routes_are_those_of_the_routing_tables(self):
        for vp, destination, result in self.each("rr"):
            routes = self.true_routes(vp, destination)
            self.assertEqual(result["outcome"], "replied" if routes else "timed_out")
            self.assertEqual(result.get("record_route"), routes[0] if routes else None)

    def test_record_routes_equal_those_that_scamper_records(self):
        for vp, destination, result in self.each("rr"):
            responses = [r for r in self.scamper[vp, destination, "rr"]["responses"] if r]
            self.assertEqual(bool(responses), result["outcome"] == "replied")
            if responses:  # the kernel stamps what it delivers to scamper, if a slot is left
                own = [*result["record_route"], self.address(vp)][:SLOTS]
                self.assertEqual(responses[0]["RR"], own)

    def test_the_router_that_drops_options_and_norr_let_pings_pass_but_no_record_route(self):
        for destination in ("filtered", "norr"):
            for vp in self.vps():
                self.assertEqual(self.results[vp, destination, "ping"]["outcome"], "replied")
                if not self.true_routes(vp, destination):
                    self.assertEqual(self.results[vp, destination, "rr"]["outcome"], "timed_out")

    def test_icmp_traces_are_those_of_the_routing_tables(self):
        self.check_traces("icmp")

    def test_udp_traces_are_those_of_the_routing_tables(self):
        self.check_traces("udp")

    def test_tcp_traces_are_those_of_the_routing_tables(self):
        self.check_traces("tcp")

    def check_traces(self, method):
        for vp, destination, result in self.each(f"trace {method}"):
            answer = self.truth.answer(vp, destination, flow=METHODS[method][1])
            self.assert_is_path(result, answer["forward"][0], destination)

    def test_traces_equal_those_of_scamper_with_the_same_ports(self):
        for method in METHODS:
            for vp, destination, result in self.each(f"trace {method}"):
                theirs = self.scamper[vp, destination, f"trace {method}"]
                self.assertEqual({h["ttl"]: h["from"] for h in result["hops"] if "from" in h},
                                 {h["probe_ttl"]: h["addr"] for h in theirs.get("hops", [])})

    def test_results_tell_the_ttl_and_a_round_trip_of_the_time_it_took(self):
        for vp, destination, result in self.each("ping"):
            if result["outcome"] == "replied":
                back = self.truth.answer(vp, destination, flow=Flow("icmp"))["reverse"][0]
                passed = sum(not hop["hidden"] for hop in back)
                self.assertEqual(result["reply"]["ttl"], 64 - passed)
                self.assertIn(result["rtt_ns"], range(1, TIMEOUT_MS * 1_000_000))

    def test_a_flow_keeps_its_branch_and_many_flows_take_both(self):
        vp = next(vp for vp in self.vps()
                  if len(self.truth.answer(vp, "balanced")["forward"]) == 2)
        flows = [7] * 10 + [*range(FLOWS), 0x8000, 0xffff]
        tasks = [{"id": i, "kind": "trace", "method": "udp", "flow": flow,
                  "dst": self.address("balanced"), "timeout_ms": TIMEOUT_MS}
                 for i, flow in enumerate(flows, 1)]
        results = self.run_tasks(vp, tasks)
        paths = [tuple(hop.get("from") for hop in results[i]["hops"])
                 for i in range(1, len(flows) + 1)]
        self.assertEqual(len(set(paths[:10])), 1)
        self.assertEqual(len(set(paths)), 2)
        for i, flow in enumerate(flows, 1):
            answer = self.truth.answer(vp, "balanced", flow=udp_flow(flow))
            self.assert_is_path(results[i], answer["forward"][0], "balanced")

    def test_spoofed_replies_are_observed_where_they_arrive_as_on_the_wire(self):
        running, captures = {}, {}
        for vp in self.vps():
            captures[vp] = self.capture(vp)
            running[vp] = self.start(vp)
        for vp, its in running.items():
            self.assertTrue(its.is_ready(self.vp(vp)["gateway"]), its.complaints())
        plans = {vp: self.spoofed_plan(vp) for vp in self.vps()}
        for vp, plan in plans.items():
            running[vp].put([task for _, task in plan.values()])
        for vp, plan in plans.items():
            running[vp].wait_until(lambda: len(running[vp].results) > len(plan))
        expected = {vp: self.expected_observations(vp, plans) for vp in self.vps()}
        for vp, its in running.items():
            its.wait_until(lambda: len(its.observations) >= len(expected[vp]), 2)
        time.sleep(0.2)  # what should not come would have come
        for vp, its in running.items():
            with self.subTest(f"received by {vp}"):
                self.assertEqual(its.finish(), 0)
                self.assertEqual({its.results[n]["outcome"] for n in plans[vp]}, {"sent"})
                self.assertEqual(self.observed(its), expected[vp])
                self.assertEqual(self.on_the_wire(captures[vp], vp), expected[vp])

    def spoofed_plan(self, vp):
        """number: (destination, task); ids of one sender differ from all others'."""
        cases = [(source, destination, kind) for source in self.vps() if source != vp
                 for destination in ("far", "plain1", "filtered") for kind in ("rr", "ping")]
        first = 1000 * int(vp.removeprefix("vp"))
        return {number: (destination, {"id": number, "kind": kind, "src": self.address(source),
                                       "dst": self.address(destination)})
                for number, (source, destination, kind) in enumerate(cases, first)}

    def expected_observations(self, receiver, plans):
        """{(sender's number, task): route or None for a ping}."""
        expected: dict[tuple[int, int], list[str] | None] = {}
        for sender, plan in plans.items():
            for number, (destination, task) in plan.items():
                if task["src"] != self.address(receiver):
                    continue
                routes = self.true_routes(receiver, destination, spoof_from=sender)
                key = int(sender.removeprefix("vp")), number
                if task["kind"] == "ping":
                    expected[key] = None
                elif routes:
                    expected[key] = routes[0]
        return expected

    def observed(self, vp):
        found = {(o["probe_vp"], o["task"]): o.get("record_route") for o in vp.observations}
        self.assertEqual(len(found), len(vp.observations), "each is observed once")
        for o in vp.observations:
            self.assertEqual((o["vp"], o["src"], o["reply"]["from"]),
                             (vp.name, self.address(vp.name), o["dst"]))
            self.assertEqual(o["kind"], "rr" if "record_route" in o else "ping")
        return found

    def capture(self, vp):
        """tcpdump on the wire of a vantage point; its file is whole once it has ended."""
        file = self.folder / f"{vp}.pcap"
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace(vp), "tcpdump", "-Z", "root", "-i", "eth0",
             "--immediate-mode", "-U", "-w", str(file), "icmp[icmptype] == icmp-echoreply"],
            stderr=subprocess.PIPE, text=True)
        assert process.stderr
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        while "listening" not in process.stderr.readline():
            self.assertIsNone(process.poll(), "tcpdump ended")
        return process, file

    def on_the_wire(self, capture, vp):
        """The same of the replies that tcpdump saw to probes of other vantage points."""
        process, file = capture
        process.terminate()
        process.wait()
        found = {}
        own = int(vp.removeprefix("vp"))
        for frame in pcap_frames(file.read_bytes()):
            packet = Packet(frame)
            if packet.is_echo_reply and packet.dst == self.address(vp):
                if packet.identity()[0] != own:
                    found[packet.identity()] = packet.recorded_route()
        return found


def pcap_frames(data):
    """The frames of a capture file of this machine's byte order."""
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from("=I", data, at + 8)[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


class StandardLab(PathsOfALab):
    pass


class SeededLab(PathsOfALab):
    options = ("--seed", "3")


del PathsOfALab  # is run for each lab, not by itself

if __name__ == "__main__":
    unittest.main()
