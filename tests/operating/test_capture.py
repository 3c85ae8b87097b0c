"""Captures on demand, read by tshark: what it shows is what the counters counted."""

import collections
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import RunningVp, eventually, find, need_program, run

BROADCAST = b"\xff" * 6
SENDER = bytes.fromhex("020000000001")


def frame(kind, payload, length=60):
    return (BROADCAST + SENDER + struct.pack("!H", kind) + payload).ljust(length, b"\x00")


def foreign_echo_reply():
    """A reply to a ping of somebody else, to our address."""
    icmp = struct.pack("!BBHHH", 0, 0, 0, 0x1234, 1) + b"x" * 40
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 1, 0, 60, 1, 0,
                       socket.inet_aton("198.51.100.9"), socket.inet_aton("192.0.2.10"))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return frame(0x0800, head + icmp)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pcap(frames):
    text = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    return text + b"".join(struct.pack("<IIII", 0, 0, len(it), len(it)) + it for it in frames)


# One of each kind, again and again.
FRAMES = [frame(0x88cc, b"neither IPv4 nor ARP"), frame(0x0806, b"ARP, broken"),
          frame(0x0800, b"\x65six, not four"), frame(0x88cc, b"long", 1400), foreign_echo_reply()]


@unittest.skipUnless(shutil.which("tshark") and shutil.which("capinfos"), "no tshark")
class CaptureTest(unittest.TestCase):
    def setUp(self):
        need_program("backsight")
        folder = tempfile.TemporaryDirectory(prefix="backsight-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.socket = self.folder / "capture.sock"

    def start(self):
        (self.folder / "in.pcap").write_bytes(pcap(FRAMES))
        device = f"net_pcap0,rx_pcap={self.folder}/in.pcap,infinite_rx=1,tx_pcap=/dev/null"
        return RunningVp(self, device, f"capture: {{socket: '{self.socket}'}}\n")

    def command(self, *options):
        return [need_program("backsight"), "vp", "capture", "--socket", str(self.socket), *options]

    def capture(self, *options):
        file = self.folder / "out.pcapng"
        with file.open("wb") as out:
            done = subprocess.run(self.command(*options), stdout=out, stderr=subprocess.PIPE,
                                  text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return file, int(find(r"(\d+) packets?$", done.stderr.strip()))

    def fields(self, file, *names):
        done = run("tshark", "-r", str(file), "-T", "fields", "-E", "separator=|",
                   *(word for name in names for word in ("-e", name)))
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.split("|") for line in done.stdout.splitlines()]

    def test_each_packet_names_the_counter_that_moved(self):
        vp = self.start()
        file, count = self.capture("--seconds", "1")
        self.assertGreater(count, 100)
        rows = self.fields(file, "frame.comment", "frame.interface_name", "frame.len",
                           "frame.cap_len", "eth.type", "ip.version")
        self.assertEqual(len(rows), count)
        said = collections.Counter((row[0], row[4]) for row in rows)
        self.assertEqual(set(said), {("not_ipv4, worker 0", "0x88cc"), ("arp, worker 0", "0x0806"),
                                     ("ip_version, worker 0", "0x0800"),
                                     ("bad_tag, worker 0", "0x0800")})
        self.assertEqual({row[1] for row in rows}, {"net_pcap0"})
        self.assertIn(("1400", "256"), {(row[2], row[3]) for row in rows})
        page = vp.page("/metrics")
        for reason in {row[0].split(",")[0] for row in rows}:
            counted = find(rf'{{(?:reason|outcome)="{reason}"}} (\S+)', page)
            self.assertGreater(float(counted), 0, reason)

    def test_the_file_is_whole_and_says_what_was_left_out(self):
        self.start()
        file, count = self.capture("--seconds", "1")
        info = run("capinfos", "-M", str(file))
        self.assertEqual(info.returncode, 0, info.stderr)
        self.assertIn("pcapng", info.stdout)
        self.assertRegex(info.stdout, rf"Number of packets:\s+{count}\b")
        self.assertRegex(info.stdout, r"Time precision = nanoseconds \(9\)")
        self.assertRegex(info.stdout, r"Name = net_pcap0")
        self.assertNotIn("cut short", info.stdout + info.stderr)
        # The statistics at the end: frames seen, and those that found no room.
        kind, bytes_, _, _, _, seen, _, dropped = struct.unpack("<IIIQIQIQ",
                                                                file.read_bytes()[-52:-8])
        self.assertEqual((kind, bytes_, seen - dropped), (5, 52, count))

    def test_a_signal_ends_it_early_and_whole(self):
        self.start()
        file = self.folder / "out.pcapng"
        with file.open("wb") as out, subprocess.Popen(
                self.command("--seconds", "600"), stdout=out, stderr=subprocess.PIPE,
                text=True) as capture:
            self.addCleanup(capture.kill)
            self.assertTrue(eventually(lambda: file.stat().st_size > 10_000))
            capture.terminate()
            _, said = capture.communicate(timeout=20)
        self.assertEqual(capture.returncode, 0, said)
        self.assertEqual(len(self.fields(file, "frame.number")), int(said.split()[1]))

    def test_one_at_a_time(self):
        self.start()
        file = self.folder / "first.pcapng"  # whoever is not read from is dropped after a while
        with file.open("wb") as out, subprocess.Popen(
                self.command("--seconds", "600"), stdout=out, stderr=subprocess.DEVNULL) as first:
            self.addCleanup(first.kill)
            self.assertTrue(eventually(lambda: file.stat().st_size > 1000))
            second = run(*self.command())
            self.assertEqual(second.returncode, 1)
            self.assertIn("somebody else captures", second.stderr)
            first.kill()
        self.assertGreater(self.capture("--seconds", "1")[1], 0)

    def test_a_client_that_reads_nothing_stops_nobody(self):
        vp = self.start()
        with socket.socket(socket.AF_UNIX) as idle:
            idle.connect(str(self.socket))
            received = r'backsight_vp_packets_received_total{worker="0"} (\S+)'
            before = float(find(received, vp.page("/metrics")))
            self.assertTrue(eventually(
                lambda: float(find(received, vp.page("/metrics"))) > before + 10_000))
        self.assertTrue(eventually(lambda: "capture: ends" in vp.said()))
        vp.process.terminate()
        self.assertEqual(vp.process.wait(timeout=20), 0)
        self.assertFalse(self.socket.exists())

    def test_only_its_owner_and_group_may(self):
        self.start()
        self.assertEqual(stat.S_IMODE(self.socket.stat().st_mode), 0o660)

    def test_the_socket_of_one_that_was_killed_is_taken_over(self):
        first = self.start()
        first.end()
        self.assertTrue(self.socket.exists())
        self.start()
        self.assertGreater(self.capture("--seconds", "1")[1], 0)

    def test_without_a_vantage_point_it_says_where_to_look(self):
        done = run(*self.command())
        self.assertEqual(done.returncode, 1)
        self.assertIn("is this capture.socket of a vantage point that runs?", done.stderr)


if __name__ == "__main__":
    unittest.main()
