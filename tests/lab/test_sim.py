"""backsight-sim on AF_PACKET ports: a real backsight-vp, Linux's ping and scamper get the truth."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from vantage import KEY, program, skip_unless_possible

CONFIG = """\
seed: 7
topology: {ases: 1000, vantage_points: 3}
behaviour: {balancers_by_address: 1, balancers_by_packet: 0, ases_filter_spoofed: 0, routers_limit_icmp: 0}
dynamics: {loss: 0, jitter_us: 0, unusual_routes: 0}
ports:
  - {device: "net_af_packet0,iface=sim0", vantage_points: 1}
  - {device: "net_af_packet1,iface=sim1", first_vantage_point: 1, vantage_points: 1}
engine: {worker: 0, control: 0, hugepages: "off"}
"""


def setUpModule():
    skip_unless_possible("ping", "scamper")
    if not Path(simulator()).exists():
        raise unittest.SkipTest("no backsight-sim is built; scripts/build makes it")


def simulator():
    return str(Path(program()).parent / "backsight-sim")


def timeless(row):
    """A result without what a clock said: when things were, and a router's milliseconds."""
    if isinstance(row, list):
        return [timeless(item) for item in row]
    if not isinstance(row, dict):
        return row
    return {key: timeless(value) for key, value in row.items()
            if key not in ("sent_at_ns", "rtt_ns", "ms")}


class SimulatedInternet(unittest.TestCase):
    """One simulation with two vantage points, each in a network namespace of its own."""

    folder: Path
    spaces: list[str]  # namespaces
    points: list[dict[str, str]]  # vantage points
    hosts: list[str]
    simulation: subprocess.Popen

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="backsight-sim-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        (cls.folder / "sim.yaml").write_text(CONFIG)
        (cls.folder / "fleet.key").write_text(KEY + "\n")
        (cls.folder / "fleet.key").chmod(0o600)
        cls.spaces = [f"test-sim-{os.getpid()}-{name}" for name in ("net", "vp0", "vp1")]
        for space in cls.spaces:
            cls.ip("netns", "add", space)
            cls.addClassCleanup(cls.ip, "netns", "del", space)
        cls.ask("--write", "lists")
        rows = (cls.folder / "lists/vantage-points.txt").read_text().splitlines()
        cls.points = [dict(zip(("number", "address", "gateway"), row.split("\t"))) for row in rows]
        cls.hosts = [line.split()[0] for line in
                     (cls.folder / "lists/hosts.txt").read_text().splitlines()
                     if line.endswith(" rr")]
        for i in range(2):
            cls.ip("link", "add", "name", f"sim{i}", "netns", cls.spaces[0], "type", "veth",
                   "peer", "name", "eth0", "netns", cls.spaces[1 + i])
            cls.ip("-n", cls.spaces[0], "link", "set", "dev", f"sim{i}", "up")
            cls.ip("-n", cls.spaces[1 + i], "link", "set", "dev", "eth0", "up")
        # The first is a Linux host, the second is all backsight-vp's.
        cls.ip("-n", cls.spaces[1], "address", "add", cls.points[0]["address"], "dev", "eth0")
        cls.ip("-n", cls.spaces[1], "route", "add", "default", "via", cls.points[0]["gateway"])
        cls.simulation = cls.inside(0, simulator(), "--config", "sim.yaml", "--json")
        cls.addClassCleanup(cls.stop)
        cls.wait_for_ping()

    @classmethod
    def ip(cls, *arguments):
        subprocess.run(["ip", *arguments], check=True)

    @classmethod
    def inside(cls, space, *command):
        return subprocess.Popen(["ip", "netns", "exec", cls.spaces[space], *command],
                                cwd=cls.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)

    @classmethod
    def ask(cls, *arguments):
        done = subprocess.run([simulator(), "--config", "sim.yaml", *arguments], cwd=cls.folder,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @classmethod
    def stop(cls):
        if cls.simulation.poll() is None:
            cls.simulation.send_signal(signal.SIGTERM)
        return cls.simulation.communicate(timeout=20)[0]

    @classmethod
    def wait_for_ping(cls):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert cls.simulation.poll() is None, cls.simulation.communicate()[1]
            ping = cls.inside(1, "ping", "-c", "1", "-W", "1", cls.hosts[0])
            ping.communicate()
            if ping.returncode == 0:
                return
        raise AssertionError("the simulation does not answer")

    def truth(self, source, destination):
        return json.loads(self.ask("--truth", source, destination, "--json"))

    def own(self, point):
        return self.points[point]["address"].split("/")[0]

    def certain_stamps(self, point, host):
        """What a recorded route begins with, up to the first router that a flow chooses."""
        hops = self.truth(self.own(point), host)["hops"]
        certain = []
        for hop, after in zip(hops, hops[1:] + [hops[-1]]):
            if hop["alternatives"] > 1 or after["alternatives"] > 1:
                break
            certain.append(hop["stamps"])
        return [address for address in certain if address][:8]

    def test_linux_pings_record_the_routers_of_the_truth(self):
        host = next(h for h in self.hosts[100:]
                    if not any(hop["drops_options"] or hop["alternatives"] > 1
                               for hop in self.truth(self.own(0), h)["hops"]))
        out = self.inside(1, "ping", "-n", "-R", "-c", "1", "-W", "2", host).communicate()[0]
        seen = re.findall(r"^(?:RR:)?\s+([0-9.]+)$", out, re.MULTILINE)
        stamps = self.certain_stamps(0, host)
        # Linux stamps itself first.
        self.assertEqual(seen[0], self.own(0))
        self.assertEqual(seen[1:1 + len(stamps)], stamps)

    def test_scamper_traces_the_routers_of_the_truth(self):
        host = next(h for h in self.hosts[200:]
                    if all(hop["alternatives"] == 1
                           for hop in self.truth(self.own(0), h)["hops"]))
        out = self.inside(1, "scamper", "-O", "json", "-I",
                          f"trace -P icmp-paris -w 2 {host}").communicate()[0]
        trace = next(row for row in map(json.loads, out.splitlines()) if row["type"] == "trace")
        self.assertEqual(trace["stop_reason"], "COMPLETED")
        seen = {hop["probe_ttl"]: hop["addr"] for hop in trace["hops"]}
        visible = [hop for hop in self.truth(self.own(0), host)["hops"] if not hop["hidden"]]
        for ttl, hop in enumerate(visible, start=1):
            self.assertEqual(seen.get(ttl), hop["shows"])
        self.assertEqual(seen[len(visible) + 1], host)

    def run_simulated_vp(self, tasks):
        done = subprocess.run(
            [str(Path(program()).parent / "backsight-evaluate"), "--config", "sim.yaml", "--vp", "2",
             "--vp-pps", "10000", "--tasks", "-"], cwd=self.folder, text=True, capture_output=True,
            input="".join(json.dumps(task) + "\n" for task in tasks))
        self.assertEqual(done.returncode, 0, done.stderr)
        return {row["task"]: row for row in map(json.loads, done.stdout.splitlines())}

    def run_vp(self, tasks, **more):
        (self.folder / "vp.json").write_text(json.dumps({
            "name": "vp1", "id": 1,
            "ports": [{"device": "net_af_packet0,iface=eth0", "address": self.points[1]["address"],
                       "gateway": self.points[1]["gateway"]}],
            "engine": {"workers": [1], "control": 0, "idle": "adaptive", "hugepages": "off"},
            "rates": {"per_destination_pps": 0, "per_prefix24_pps": 0},
            "identity": {"key_file": "fleet.key"}, **more}))
        vp = subprocess.run(
            ["ip", "netns", "exec", self.spaces[2], program(), "--config", "vp.json", "--tasks",
             "-"], cwd=self.folder, text=True, capture_output=True,
            input="".join(json.dumps(task) + "\n" for task in tasks))
        self.assertEqual(vp.returncode, 0, vp.stderr)
        return {row["task"]: row for row in map(json.loads, vp.stdout.splitlines())
                if "task" in row}

    def test_a_vantage_point_measures_the_truth(self):
        hosts = self.hosts[1000:1200:8]
        results = self.run_vp(
            [{"id": i + 1, "kind": "rr", "dst": host} for i, host in enumerate(hosts)] +
            [{"id": 1001 + i, "kind": "trace", "method": "udp", "dst": host}
             for i, host in enumerate(hosts[:5])])
        self.assertEqual(len(results), len(hosts) + 5)
        recorded = 0
        for i, host in enumerate(hosts):
            if results[i + 1]["outcome"] != "replied":
                continue
            stamps = self.certain_stamps(1, host)
            self.assertEqual(results[i + 1]["record_route"][:len(stamps)], stamps)
            recorded += len(stamps)
        self.assertGreater(recorded, len(hosts) // 3)
        for i, host in enumerate(hosts[:5]):
            visible = [h for h in self.truth(self.own(1), host)["hops"] if not h["hidden"]]
            seen = {hop["ttl"]: hop["from"] for hop in results[1001 + i]["hops"] if "from" in hop}
            for ttl, hop in enumerate(visible, start=1):
                if hop["alternatives"] > 1:
                    break  # the next one's interface depends on whom the flow chose
                self.assertEqual(seen.get(ttl), hop["shows"])

    def test_a_simulated_vantage_point_says_the_same_field_by_field(self):
        """The evaluation's vantage points are the engine: times alone are of another clock."""
        hosts = self.hosts[2000:2480:40]
        nobody = hosts[0].rsplit(".", 1)[0] + ".255"
        shapes: list[dict[str, object]] = [
            {"kind": "ping"}, {"kind": "ping", "ttl": 3}, {"kind": "rr"},
            {"kind": "ts", "ts": "tsonly"}, {"kind": "ts"},
            {"kind": "trace", "method": "icmp"},
            {"kind": "trace", "method": "udp", "flow": 7},
            {"kind": "trace", "method": "tcp", "first_ttl": 2, "max_ttl": 5},
            {"kind": "trace", "gap_limit": 2, "attempts": 3}]
        asked = itertools.product(hosts + [nobody], shapes)
        tasks = [{"id": number, "dst": dst, "timeout_ms": 400, **shape}
                 for number, (dst, shape) in enumerate(asked, start=1)]
        real, simulated = self.run_vp(tasks), self.run_simulated_vp(tasks)
        self.assertEqual(len(real), len(tasks))
        self.assertEqual(real.keys(), simulated.keys())
        outcomes = set()
        for task in tasks:
            with self.subTest(task=task):
                one, other = timeless(real[task["id"]]), timeless(simulated[task["id"]])
                self.assertEqual(one.pop("vp"), "vp1")
                self.assertEqual(other.pop("vp"), "vp2")
                self.assertEqual(one, other)
                outcomes.add(one["outcome"])
        self.assertGreaterEqual(
            outcomes, {"replied", "error", "timed_out", "reached", "max_ttl", "gap_limit"})

    def test_zz_every_frame_and_every_packet_has_one_counter(self):
        counts = json.loads(self.stop())
        self.assertEqual(counts["received"], counts["arp"] + counts["other"] + counts["injected"])
        fates = {name: n for name, n in counts.items() if name.startswith("fate_")}
        self.assertEqual(counts["injected"], sum(fates.values()))
        self.assertEqual(counts["deliveries"], fates["fate_answered"] + fates["fate_delivered"])
        self.assertEqual(counts["deliveries"], counts["sent"] + counts["no_room"] +
                         counts["no_mac"] + counts["elsewhere"] + counts["waiting"])


if __name__ == "__main__":
    unittest.main()
