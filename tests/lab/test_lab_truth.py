"""What `truth` says against what real probes see, for all pairs of two labs side by side."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from lab.kernel import Flow
from lab.topology import IGNORES_RECORD_ROUTE, SILENT
from lab.truth import Truth

LAB = str(ROOT / "scripts/lab")
SLOTS = 9
TOOLS = ("ip", "nft", "ping", "scamper")

# Sends one Record Route ping with a forged source; the payload names the test.
SEND_SPOOFED = """
import socket, struct, sys
source, destination = map(socket.inet_aton, sys.argv[1:3])
def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
option = bytes([7, 39, 4] + 36 * [0] + [0])
icmp = struct.pack('!BBHHH', 8, 0, 0, 4711, 1) + b'spoofed!'
icmp = icmp[:2] + struct.pack('!H', checksum(icmp)) + icmp[4:]
header = struct.pack('!BBHHHBBH4s4s', 0x4f, 0, 60 + len(icmp), 0, 0, 64, 1, 0, source, destination)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw.sendto(header + option + icmp, (sys.argv[2], 0))
"""
# Prints the recorded route of the first reply to such a ping, as it is on the wire.
RECEIVE_SPOOFED = """
import socket
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
wire.settimeout(5)
print('listening', flush=True)
while True:
    packet = wire.recv(2048)
    if packet.endswith(b'spoofed!') and packet[0] == 0x4f and packet[60] == 0:
        slots = [packet[i:i + 4] for i in range(23, 20 + packet[22] - 1, 4)]
        print(*map(socket.inet_ntoa, slots))
        break
"""


def setUpModule():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        raise unittest.SkipTest(f"needs root and {', '.join(TOOLS)}")
    # Of several scampers that start at once, one alone can make its folder.
    os.makedirs("/var/empty", exist_ok=True)


def lab(*arguments, **options):
    return subprocess.run([LAB, *arguments], capture_output=True, text=True, **options)


class TruthOfALab(unittest.TestCase):
    """The tests of both labs; `seed` tells them apart."""

    seed: list[str] = []
    name: str
    record: dict
    truth: Truth
    icmp: dict[tuple[str, str], dict]  # answers by vantage point and destination

    @classmethod
    def setUpClass(cls):
        cls.name = f"test-truth-{os.getpid()}-{cls.__name__.lower()}"
        cls.addClassCleanup(cls.take_down)
        done = lab("up", "--name", cls.name, *cls.seed)
        assert done.returncode == 0, done.stderr
        cls.record = json.loads(lab("status", "--json", "--name", cls.name).stdout)
        cls.truth = Truth(cls.record)
        cls.icmp = {(vp, d): cls.truth.answer(vp, d, flow=Flow("icmp")) for vp, d in cls.pairs()}

    @classmethod
    def take_down(cls):
        lab("down", "--name", cls.name)
        left = [name for name in os.listdir("/run/netns") if name.startswith(cls.name + "-")]
        assert not left, left

    @classmethod
    def vps(cls):
        return [vp["node"] for vp in cls.record["vps"]]

    @classmethod
    def pairs(cls):
        return [(vp, d["node"]) for vp in cls.vps() for d in cls.record["destinations"]]

    def start(self, node, *command):
        """As `scripts/lab exec` does, without a Python to start for each of the many probes."""
        return subprocess.Popen(["ip", "netns", "exec", f"{self.name}-{node}", *command],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def scamper(self, command, vps_and_addresses):
        """Runs scamper at several vantage points at once; yields (vp, JSON object)."""
        running = [(vp, self.start(vp, "scamper", "-p", "1000", "-O", "json", "-c", command,
                                   "-i", *addresses)) for vp, addresses in vps_and_addresses]
        for vp, process in running:
            output, complaint = process.communicate()
            self.assertEqual(process.returncode, 0, complaint)
            for line in output.splitlines():
                result = json.loads(line)
                if not result["type"].startswith("cycle"):
                    yield vp, result

    def scamper_all_pairs(self, command):
        addresses = [d["address"] for d in self.record["destinations"]]
        return self.scamper(command, [(vp, addresses) for vp in self.vps()])

    def node_of(self, address):
        return self.truth.node_of(address)

    def expected_route(self, vp, destination):
        """The truth's recorded route, or None where no answer can come."""
        routes = self.icmp[vp, destination]["record_route"]
        self.assertLessEqual(len(routes), 1)  # one flow, one branch
        return routes[0] if routes else None

    def test_record_route_of_a_raw_ping_is_the_truth_and_the_receivers_own_stamp(self):
        seen = {}
        for vp, result in self.scamper_all_pairs("ping -R -c 1"):
            [*responses] = result["responses"]
            seen[vp, self.node_of(result["dst"])] = responses[0]["RR"] if responses else None
        self.assertEqual(set(seen), set(self.pairs()))
        for (vp, destination), route in seen.items():
            expected = self.expected_route(vp, destination)
            if expected:  # the kernel at the source stamps what it delivers, if a slot is left
                expected = [*expected, self.truth.address_of(vp)][:SLOTS]
            self.assertEqual(route, expected, f"{vp} to {destination}")

    def test_record_route_of_ping_is_the_truth_after_the_senders_own_stamp(self):
        processes = {
            (vp, d): self.start(vp, "ping", "-R", "-n", "-c", "1", "-W", "2",
                                self.truth.address_of(d))
            for vp, d in self.pairs() if self.expected_route(vp, d)}
        self.assertGreater(len(processes), 0)
        for (vp, destination), process in processes.items():
            output = process.communicate()[0]
            recorded = re.findall(r"^(?:RR: )?\t([\d.]+)", output, re.MULTILINE)
            own = self.truth.address_of(vp)
            expected = [own, *self.expected_route(vp, destination), own][:SLOTS]
            self.assertEqual(recorded, expected, output)

    def test_record_route_of_a_ping_to_a_router_is_the_truth(self):
        routers = [r["node"] for r in self.record["routers"]]
        vp = self.vps()[0]
        addresses = [self.truth.address_of(router) for router in routers]
        for _, result in self.scamper("ping -R -c 1", [(vp, addresses)]):
            answer = self.truth.answer(vp, result["dst"])
            seen = result["responses"][0]["RR"]
            own = self.truth.address_of(vp)
            expected = [[*route, own][:SLOTS] for route in answer["record_route"]]
            self.assertIn(seen, expected, f"{vp} to {answer['dst']}")

    def check_trace(self, hops, path, reaches):
        """`hops` are the answers by TTL. Hidden routers are in no trace."""
        visible = [hop for hop in path if not hop["hidden"]]
        for ttl, hop in enumerate(visible, 1):
            self.assertIn(hops[ttl], hop["time_exceeded"], f"at {hop['node']}, TTL {ttl}")
        self.assertEqual(len(hops), len(visible) + reaches)

    def test_icmp_traces_pass_the_routers_of_the_truth(self):
        traced = set()
        for vp, result in self.scamper_all_pairs("trace -P icmp-paris -q 1 -w 1 -g 2"):
            destination = self.node_of(result["dst"])
            traced.add((vp, destination))
            hops = {hop["probe_ttl"]: hop["addr"] for hop in result["hops"]}
            silent = self.truth.kernel.nodes[destination]["special"] == SILENT
            self.check_trace(hops, self.icmp[vp, destination]["forward"][0], not silent)
        self.assertEqual(traced, set(self.pairs()))

    def test_udp_traces_take_the_branch_that_the_truth_tells_for_their_flow(self):
        address = self.truth.address_of("balanced")
        vp = next(vp for vp in self.vps()
                  if len(self.truth.answer(vp, "balanced")["forward"]) == 2)
        branches = set()
        for port in range(40000, 40008):
            command = f"trace -P udp-paris -q 1 -w 1 -s {port} -d 33435"
            [(_, result)] = self.scamper(command, [(vp, [address])])
            flow = Flow("udp", result["sport"], result["dport"])
            [path] = self.truth.answer(vp, "balanced", flow=flow)["forward"]
            self.check_trace({h["probe_ttl"]: h["addr"] for h in result["hops"]}, path, True)
            branches.add(tuple(hop["node"] for hop in path))
        self.assertEqual(len(branches), 2)

    def test_spoofed_record_routes_arrive_at_the_source_as_the_truth_tells(self):
        checked = 0
        for source in self.vps():
            for prober in self.vps():
                if source != prober and checked < 6:
                    self.check_spoofed(prober, source, "far")
                    checked += 1

    def check_spoofed(self, prober, source, destination):
        receiver = self.start(source, sys.executable, "-c", RECEIVE_SPOOFED)
        self.assertEqual(receiver.stdout.readline(), "listening\n")
        addresses = [self.truth.address_of(node) for node in (source, destination)]
        self.start(prober, sys.executable, "-c", SEND_SPOOFED, *addresses).communicate()
        output, complaint = receiver.communicate()
        expected = self.truth.answer(source, destination, spoof_from=prober, flow=Flow("icmp"))
        seen = [stamp for stamp in output.split() if stamp != "0.0.0.0"]
        self.assertEqual([seen], expected["record_route"], complaint)

    def test_a_near_vantage_point_reveals_hops_on_the_way_back_to_a_far_one(self):
        revealed = []
        for source in self.vps():
            direct = self.truth.answer(source, "far")["record_route"]
            if any(self.truth.address_of("far") in route for route in direct):
                continue
            for prober in self.vps():
                [route, *_] = self.truth.answer(source, "far", spoof_from=prober)["record_route"]
                if self.truth.address_of("far") in route[:-2]:
                    revealed.append((source, prober))
        self.assertGreater(len(revealed), 0)

    def test_plain_pings_are_answered_by_all_but_the_silent_host(self):
        for vp, result in self.scamper_all_pairs("ping -c 1"):
            destination = self.truth.kernel.nodes[self.node_of(result["dst"])]
            self.assertEqual(len(result["responses"]), destination["special"] != SILENT)

    def test_tells_why_no_record_route_comes_back(self):
        reasons = {d: self.truth.answer(self.vps()[0], d)["no_record_route_because"]
                   for d in ("norr", "silent", "filtered", "plain1")}
        self.assertIn(IGNORES_RECORD_ROUTE, reasons["norr"])
        self.assertIn(SILENT, reasons["silent"])
        self.assertIn("drops packets with IP options", reasons["filtered"])
        self.assertIsNone(reasons["plain1"])

    def test_every_address_that_a_router_shows_is_among_its_aliases(self):
        for answer in self.icmp.values():
            for hop in answer["forward"][0] + answer["reverse"][0]:
                shown = {*hop["time_exceeded"], *filter(None, [hop["record_route"]])}
                self.assertLessEqual(shown, set(hop["addresses"]))

    def test_some_path_passes_hidden_routers(self):
        paths = [a["forward"][0] for a in self.icmp.values()]
        self.assertTrue(any(hop["hidden"] for path in paths for hop in path))


class StandardLab(TruthOfALab):
    def test_follows_a_route_that_someone_changed(self):
        address = self.truth.address_of("plain1")
        gateway = self.record_of("a5")["interfaces"]["to-a1"]
        self.assertEqual(self.nodes_to(Truth(self.record), address)[2:], ["a1", "a2", "a3", "a4"])
        self.change_route("a1", "add", f"{address}/32", "via", gateway)
        self.addCleanup(self.change_route, "a1", "delete", f"{address}/32")
        changed = Truth(self.record)
        self.assertEqual(self.nodes_to(changed, address)[2:], ["a1", "a5", "a4"])
        [(_, result)] = self.scamper("ping -R -c 1", [("vp1", [address])])
        [expected] = changed.answer("vp1", address)["record_route"]
        self.assertEqual(result["responses"][0]["RR"][:len(expected)], expected)

    def test_reports_a_routing_loop(self):
        address = self.truth.address_of("plain1")
        back = self.record_of("e1")["interfaces"]["to-e2"]
        self.change_route("e2", "add", f"{address}/32", "via", back)
        self.addCleanup(self.change_route, "e2", "delete", f"{address}/32")
        done = lab("truth", "--name", self.name, "vp1", "plain1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("routing loop", done.stderr)

    def test_says_that_there_is_no_route_where_one_leads_nowhere(self):
        address = self.truth.address_of("plain1")
        self.change_route("e1", "add", "blackhole", f"{address}/32")
        self.addCleanup(self.change_route, "e1", "delete", "blackhole", f"{address}/32")
        done = lab("truth", "--name", self.name, "vp1", "plain1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no route", done.stderr)

    def record_of(self, node):
        return self.truth.kernel.nodes[node]

    def nodes_to(self, truth, address):
        return [hop["node"] for hop in truth.answer("vp1", address)["forward"][0]]

    def change_route(self, node, *words):
        done = lab("exec", "--name", self.name, node, "--", "ip", "route", *words)
        self.assertEqual(done.returncode, 0, done.stderr)


class SeededLab(TruthOfALab):
    seed = ["--seed", "3"]


del TruthOfALab  # is run for each lab, not by itself

if __name__ == "__main__":
    unittest.main()
