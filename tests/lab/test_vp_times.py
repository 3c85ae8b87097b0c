"""Round-trip times beside those of a capture on the wire, with the kernel's time stamps."""

import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from vantage import LabTest, Packet, skip_unless_possible

PROBES = 2000
RATE_PPS = 1000
# What a machine that does other things besides may add. The figure is printed: see docs/performance.md.
MAX_MEDIAN_US = 100


def setUpModule():
    skip_unless_possible("tcpdump")


def captured(path):
    """Frames of a pcap file with nanoseconds: (nanoseconds of Unix time, bytes)."""
    data = path.read_bytes()
    magic, = struct.unpack_from("<I", data)
    assert magic == 0xa1b23c4d, hex(magic)
    at = 24
    while at + 16 <= len(data):
        seconds, nanoseconds, length, _ = struct.unpack_from("<IIII", data, at)
        yield seconds * 10**9 + nanoseconds, data[at + 16:at + 16 + length]
        at += 16 + length


class TimesInALab(LabTest):
    def capture(self, node, interface, file):
        """tcpdump on an interface, once it listens."""
        tcpdump = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace(node), "chrt", "--fifo", "1", "tcpdump", "-i",
             interface, "-U", "--immediate-mode", "-B", "32768", "--time-stamp-precision=nano",
             "-w", str(file), "icmp"],
            stderr=subprocess.PIPE, text=True)
        assert tcpdump.stderr
        self.addCleanup(tcpdump.stderr.close)
        self.addCleanup(tcpdump.wait)
        self.addCleanup(tcpdump.terminate)
        for line in tcpdump.stderr:
            if "listening on" in line:
                return tcpdump
        self.fail("tcpdump does not listen")

    def test_round_trip_times_are_those_of_a_capture(self):
        destination = self.address("plain1")
        tasks = [{"id": i, "kind": "ping", "dst": destination} for i in range(1, PROBES + 1)]
        folder = self.enterContext(tempfile.TemporaryDirectory())
        file = pathlib.Path(folder) / "wire.pcap"
        tcpdump = self.capture(self.vp("vp2")["router"], "to-vp2", file)
        results = self.run_file("vp2", tasks, rates={"total_pps": RATE_PPS},
                                engine={"idle": "poll"})
        # The kernel hands over what it captured in its own time.
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and sum(1 for _ in captured(file)) < 2 * PROBES:
            time.sleep(0.05)
        tcpdump.terminate()
        tcpdump.wait()

        sent, round_trips = {}, {}
        for at, frame in captured(file):
            packet = Packet(frame)
            if packet.is_echo_request:
                sent[packet.identity()] = at
            elif packet.is_echo_reply and packet.identity() in sent:
                round_trips[packet.identity()] = at - sent[packet.identity()]
        by_task = {number: ns for (_, number), ns in round_trips.items()}
        self.assertGreater(len(by_task), PROBES * 0.99)
        differences = []
        for task, ns in by_task.items():
            ours = results[task]["rtt_ns"]
            self.assertGreater(ours, 0)
            self.assertLess(ours, 2 * 10**9)
            differences.append((ours - ns) / 1000)
        median = statistics.median(differences)
        print(f"\nround trips: ours are {median:.1f} us above the capture's in the median, "
              f"p90 {sorted(differences)[len(differences) * 9 // 10]:.1f} us", file=sys.stderr)
        # The capture stands between us and the network.
        self.assertGreaterEqual(median, 0)
        self.assertLess(median, MAX_MEDIAN_US)


if __name__ == "__main__":
    unittest.main()
