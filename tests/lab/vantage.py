"""What the tests of a real backsight-vp share: a lab, vantage points in it, its wires."""

import ctypes
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from lab.kernel import Flow
from lab.truth import Truth

LAB = str(ROOT / "scripts/lab")
KEY = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"
TIMEOUT_MS = 500
UNLIMITED = {"per_destination_pps": 0, "per_prefix24_pps": 0, "per_spoofed_source_pps": 0}
_CLONE_NEWNET = 0x40000000


def program():
    """Where backsight-vp is, or None."""
    folders = ([Path(os.environ["BACKSIGHT_BIN"])] if os.environ.get("BACKSIGHT_BIN") else
               [ROOT / "build/release/bin", ROOT / "build/dev/bin"])
    return next((str(f / "backsight-vp") for f in folders if (f / "backsight-vp").exists()), None)


def skip_unless_possible(*tools):
    missing = [tool for tool in ("ip", "nft", "ethtool", *tools) if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        raise unittest.SkipTest(f"needs root and {', '.join(missing) or 'nothing else'}")
    if program() is None:
        raise unittest.SkipTest("no backsight-vp is built; scripts/build makes it")
    if "scamper" in tools:  # of several that start at once, one alone can make its folder
        os.makedirs("/var/empty", exist_ok=True)


def udp_flow(flow):
    """The ports of a UDP trace, as docs/wire-identity.md tells."""
    return Flow("udp", 0x8000 | (flow & 0x7fff), 33434 + (flow >> 15))


class LabTest(unittest.TestCase):
    """A class with a lab of its own. Whatever happens, nothing is left of it."""

    options: tuple[str, ...] = ()  # of `lab up`
    name: str
    folder: Path
    record: dict
    truth: Truth

    @classmethod
    def setUpClass(cls):
        cls.name = f"test-vp-{os.getpid()}-{cls.__name__.lower()[:20]}"
        cls.folder = Path(tempfile.mkdtemp(prefix="backsight-test-"))
        cls.addClassCleanup(cls.take_down)
        done = subprocess.run([LAB, "up", "--name", cls.name, *cls.options], capture_output=True,
                              text=True)
        assert done.returncode == 0, done.stderr
        status = subprocess.run([LAB, "status", "--json", "--name", cls.name],
                                capture_output=True, text=True)
        cls.record = json.loads(status.stdout)
        cls.truth = Truth(cls.record)

    @classmethod
    def take_down(cls):
        subprocess.run([LAB, "down", "--name", cls.name], capture_output=True)
        shutil.rmtree(cls.folder)
        left = [n for n in os.listdir("/run/netns") if n.startswith(cls.name + "-")]
        assert not left, left

    @classmethod
    def vp(cls, node):
        return next(vp for vp in cls.record["vps"] if vp["node"] == node)

    @classmethod
    def vps(cls):
        return [vp["node"] for vp in cls.record["vps"]]

    @classmethod
    def destinations(cls):
        return [d["node"] for d in cls.record["destinations"]]

    @classmethod
    def address(cls, node):
        return cls.truth.address_of(node)

    @classmethod
    def namespace(cls, node):
        return f"{cls.name}-{node}"

    @classmethod
    def execute(cls, node, *command, **options):
        return subprocess.run(["ip", "netns", "exec", cls.namespace(node), *command],
                              capture_output=True, text=True, **options)

    def start(self, node, files={}, under=(), **config):
        """A vantage point that runs until the test is over. `files` stand beside its config,
        `under` is the command that runs it."""
        started = Vantage(self, self.vp(node), files, under, config)
        self.addCleanup(started.end)
        return started

    def run_tasks(self, node, tasks, **config):
        """Results by task of a vantage point that does these tasks and ends well."""
        vp = self.start(node, **config)
        vp.put(tasks)
        self.assertEqual(vp.finish(), 0, vp.complaints())
        self.assert_one_result_each(vp, tasks)
        return vp.results

    def run_file(self, node, tasks, **config):
        """The same from file to file and before all other programs, as on cores of its own."""
        vp = self.start(node, {"tasks": "".join(json.dumps(task) + "\n" for task in tasks)},
                        ("chrt", "--fifo", "1"), **config)
        self.assertEqual(vp.finish(), 0, vp.complaints())
        vp.said += map(json.loads, (vp.folder / "results").read_text().splitlines())
        self.assert_one_result_each(vp, tasks)
        return vp.results

    def assert_one_result_each(self, vp, tasks):
        answered = [said["task"] for said in vp.said if not said.get("observation")]
        self.assertEqual(sorted(answered), sorted(task["id"] for task in tasks))

    def wire(self, node, interface="eth0"):
        """A raw socket on an interface: sees and sends whole frames. What a vantage point sends on
        AF_PACKET is seen at its router's end only: DPDK passes by the taps of its own."""
        with_socket = socket_in(self.namespace(node), interface)
        self.addCleanup(with_socket.close)
        return with_socket


class Vantage:
    """A running backsight-vp: tasks through its standard input, results from its standard output.

    With a file named `tasks` beside its config, from that one to one named `results`.
    """

    _count = 0

    def __init__(self, test, host, files, under, config):
        Vantage._count += 1
        self.name = host["node"]
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=test.folder))
        self.said = []
        self._changed = threading.Condition()
        (self.folder / "fleet.key").write_text(KEY + "\n")
        (self.folder / "fleet.key").chmod(0o600)
        (self.folder / "enrolled.yaml").write_text("enrolled: [198.18.0.0/16]\n")
        for name, text in files.items():
            (self.folder / name).write_text(text)
        (self.folder / "vp.yaml").write_text(json.dumps(config_of(host, config)))  # JSON is YAML
        self._complaints = self.folder / "complaints"
        between = [str(self.folder / "tasks"), str(self.folder / "results")]
        tasks, results = between if "tasks" in files else ("-", "-")
        self.started_at = time.time()
        with self._complaints.open("w") as complaints:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", test.namespace(host["node"]), *under, program(), "--config",
                 str(self.folder / "vp.yaml"), "--tasks", tasks, "--results", results],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True)
        assert self.process.stdin and self.process.stdout
        self._tasks, self._results = self.process.stdin, self.process.stdout
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._results:
            with self._changed:
                self.said.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def results(self):
        return {said["task"]: said for said in self.said if not said.get("observation")}

    @property
    def observations(self):
        return [said for said in self.said if said.get("observation")]

    def complaints(self):
        return self._complaints.read_text()

    def put(self, tasks):
        self._tasks.write("".join(json.dumps(task) + "\n" for task in tasks))
        self._tasks.flush()

    def wait_until(self, is_so, seconds=5.0):
        """Whether `is_so()` came true, asked whenever a line was said."""
        with self._changed:
            return self._changed.wait_for(is_so, seconds)

    def is_ready(self, gateway, seconds=5.0):
        """Pings until the gateway has answered. Uses task ids from 10^9 on."""
        deadline = time.monotonic() + seconds
        task = 10**9
        while time.monotonic() < deadline and self.process.poll() is None:
            task += 1
            self.put([{"id": task, "kind": "ping", "dst": gateway, "timeout_ms": 300}])
            self.wait_until(lambda: task in self.results or self.process.poll() is not None, 2)
            if self.results.get(task, {}).get("outcome") == "replied":
                return True
        return False

    def signal(self, number):
        os.kill(self.pid(), number)

    def pid(self):
        return self.process.pid  # `ip netns exec` becomes the program

    def finish(self, seconds=30.0):
        """No more tasks. Returns the exit code once all is done."""
        if not self._tasks.closed:
            self._tasks.close()
        code = self.process.wait(seconds)
        self._reader.join()
        return code

    def end(self):
        """Whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        for pipe in (self._tasks, self._results):
            try:
                pipe.close()
            except BrokenPipeError:
                pass


def config_of(host, changes):
    """vp.yaml for one host of a lab; `changes` are merged into its sections."""
    config = {
        "name": host["node"],
        "id": int(host["node"].removeprefix("vp")),
        "ports": [{"device": f"net_af_packet0,iface={host['interface']}",
                   "address": f"{host['address']}/{host['prefix_length']}",
                   "gateway": host["gateway"]}],
        "engine": {"workers": [max(os.sched_getaffinity(0))], "control": 0, "idle": "adaptive",
                   "hugepages": "off", "inflight": 65536},
        "rates": {"total_pps": 10000, **UNLIMITED},
        "identity": {"key_file": "fleet.key"},
        "spoofing": {"enrolled": "enrolled.yaml"},
        "metrics": {"listen": "off"},
    }
    for key, value in changes.items():
        if key == "port":
            config["ports"][0] |= value
        elif isinstance(value, dict):
            config[key] = config.get(key, {}) | value
        else:
            config[key] = value
    return config


def in_namespace(namespace, make):
    """What `make()` returns in another network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    made = []

    def work():  # the namespace is the thread's: it ends with it
        try:
            with open(f"/run/netns/{namespace}") as file:
                if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            made.append(make())
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def socket_in(namespace, interface):
    """A raw packet socket on an interface of another namespace."""
    def make():
        packet_socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        packet_socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        packet_socket.bind((interface, 0))
        return packet_socket

    return in_namespace(namespace, make)


def frames(wire, seconds, is_last=lambda frame: False):
    """Frames that pass until one is the last or the time is over: (Unix time, bytes)."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        wire.settimeout(left)
        try:
            frame = wire.recv(4096)
        except TimeoutError:
            return
        yield time.time(), frame
        if is_last(frame):
            return


class Packet:
    """The fields of an IPv4 frame that tests ask for; `is_ipv4` is False for others."""

    def __init__(self, frame):
        self.frame = frame
        self.is_ipv4 = len(frame) >= 34 and frame[12:14] == b"\x08\x00"
        if not self.is_ipv4:
            return
        self.header_length = (frame[14] & 15) * 4
        self.protocol, self.ttl = frame[23], frame[22]
        self.src, self.dst = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
        end = 14 + struct.unpack_from("!H", frame, 16)[0]
        self.payload = frame[14 + self.header_length:end]  # of IP
        self.icmp_type = self.payload[0] if self.protocol == 1 and self.payload else None

    @property
    def is_echo_request(self):
        return self.is_ipv4 and self.icmp_type == 8

    @property
    def is_echo_reply(self):
        return self.is_ipv4 and self.icmp_type == 0

    def identity(self):
        """(VP, number) that the first bytes of the payload claim."""
        vp, high, low = struct.unpack_from("!HHI", self.payload, 8)
        return vp, high << 32 | low

    def recorded_route(self):
        option = self.frame[34:14 + self.header_length]
        if not option or option[0] != 7:
            return None
        return [socket.inet_ntoa(option[at:at + 4]) for at in range(3, option[2] - 1, 4)]


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xffff)
    return ~total & 0xffff


def with_checksums(frame):
    """The frame with right IP and ICMP checksums."""
    frame = bytearray(frame)
    begin = 14 + (frame[14] & 15) * 4
    end = 14 + struct.unpack_from("!H", frame, 16)[0]
    for at, first, last in ((24, 14, begin), (begin + 2, begin, end)):
        frame[at:at + 2] = b"\0\0"
        struct.pack_into("!H", frame, at, checksum(bytes(frame[first:last])))
    return bytes(frame)


def icmp_frame(ethernet, src, dst, icmp):
    """An ICMP message without options behind this Ethernet header."""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 0, 0, 60, 1, 0,
                         socket.inet_aton(src), socket.inet_aton(dst))
    return with_checksums(ethernet + header + icmp)
