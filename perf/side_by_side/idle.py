"""backsight-vp that serves a queue with nothing in it: what it costs, and how soon it is there again."""

from __future__ import annotations

import ctypes
import json
import os
import random
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from . import wire
from .programs import Place, ProgramError, Running, ours, run, wait_until

DRIVERS = {"af_packet": "net_af_packet", "af_xdp": "net_af_xdp"}
_NAME = "bench"
_ADDRESS = "11.0.0.3"  # which no kernel has
_SETTLE_SECONDS = 2.0
_PATIENCE_SECONDS = 2.0
_CLONE_NEWNET = 0x40000000
_SO_TIMESTAMPNS = 35
_ARP, _IPV4 = 0x0806, 0x0800


def _config(driver: str, place: Place) -> dict:
    """vp.yaml as a small machine has it. JSON is YAML."""
    return {
        "name": _NAME, "id": 1,
        "ports": [{"device": f"{driver}0,iface={wire.NEAR}",
                   "address": f"{_ADDRESS}/{wire.PREFIX_LENGTH}", "gateway": wire.GATEWAY,
                   "gateway_mac": wire.GATEWAY_MAC, "answers": "yes"}],
        "engine": {"workers": [place.worker_core], "control": place.control_core, "idle": "adaptive",
                   "hugepages": "off", "inflight": 1 << 16},
        "identity": {"key_file": "fleet.key"},
        "queue": {"url": "file://queue"},
        "metrics": {"listen": "127.0.0.1:9464"},
    }


def measure(seconds: float, place: Place, is_quick: bool) -> dict:
    found: dict = {"bench": "idle"}
    for short, driver in DRIVERS.items():
        found |= {f"{short}_{key}": value
                  for key, value in _measure(driver, seconds, 10 if is_quick else 100, place).items()}
    return found


def _measure(driver: str, seconds: float, times: int, place: Place) -> dict:
    with tempfile.TemporaryDirectory(prefix="backsight-bench-") as name, wire.Wire() as cable:
        folder = Path(name)
        run([ours("backsight"), "keygen", str(folder / "fleet.key")], "backsight keygen")
        config = _config(driver, place)
        config["queue"]["url"] = f"file://{folder}/queue"
        (folder / "vp.yaml").write_text(json.dumps(config))
        command = cable.from_near(place.under([ours("backsight-vp"), "--config", str(folder / "vp.yaml")]))
        with FarEnd(cable.far) as far, Running(command) as running:
            if not wait_until(lambda: far.arp_ms(0.1) is not None or running.process.poll() is not None, 15) \
                    or running.process.poll() is not None:
                raise ProgramError("backsight-vp", "answers no ARP", running.said)
            running.wait_for(_SETTLE_SECONDS)
            share = _share_of_a_core(running.process.pid, seconds)
            said = {"core_percent": 100 * share}
            asked: dict[str, Callable[[], float | None]] = {
                "arp": far.arp_ms, "echo": far.echo_ms,
                "first_probe": lambda: _first_probe_ms(folder, far)}
            for what, ask in asked.items():
                values = [_after_a_pause(ask, what) for _ in range(times)]
                said |= {f"{what}_median_ms": sorted(values)[len(values) // 2],
                         f"{what}_worst_ms": max(values)}
            return said


def _after_a_pause(ask: Callable[[], float | None], what: str) -> float:
    time.sleep(random.uniform(0.1, 0.3))  # it has been idle for as long as it takes, and at no round time
    if (value := ask()) is None:
        raise ProgramError("backsight-vp", f"{what}: nothing came within {_PATIENCE_SECONDS} s")
    return value


def _share_of_a_core(pid: int, seconds: float) -> float:
    """Of all threads, as the scheduler counts it: to the nanosecond."""
    def spent_ns() -> int:
        return sum(int((task / "schedstat").read_text().split()[0])
                   for task in Path(f"/proc/{pid}/task").iterdir())

    before, start = spent_ns(), time.monotonic_ns()
    time.sleep(seconds)
    return (spent_ns() - before) / (time.monotonic_ns() - start)


_tasks_put = 0


def _first_probe_ms(folder: Path, far: FarEnd) -> float | None:
    """From the moment the task is in the log to its probe at the far end."""
    global _tasks_put
    _tasks_put += 1
    tasks = folder / "tasks.jsonl"
    tasks.write_text(json.dumps({"id": _tasks_put, "kind": "ping", "dst": wire.destination(_tasks_put),
                                 "timeout_ms": 50}) + "\n")
    put_at: list[float] = []
    is_over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(folder / "queue" / _NAME / "tasks" / "end", put_at,
                                                    is_over))
    far.forget()
    watcher.start()
    run([ours("backsight"), "queue", "put", "--queue", f"file://{folder}/queue", "--vp", _NAME,
         str(tasks)], "backsight queue put")
    seen_at = far.arrival(lambda frame: frame[12:14] == b"\x08\x00" and frame[34] == 8)
    is_over.set()
    watcher.join()
    if seen_at is None or not put_at:
        return None
    return max(0.0, (seen_at - put_at[0]) * 1e3)


def _watch(file: Path, put_at: list[float], is_over: threading.Event) -> None:
    """When the file that says where the log ends was written."""
    def content() -> bytes:
        return file.read_bytes() if file.exists() else b""

    before = content()
    while content() == before:
        if is_over.is_set():
            return
        time.sleep(0.0002)
    put_at.append(time.time())


class FarEnd:
    """A raw socket at the far end of the wire."""

    def __init__(self, namespace: str):
        self._socket = _socket_in(namespace)
        self._count = 0

    def __enter__(self) -> FarEnd:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def forget(self) -> None:
        """What came until now."""
        self._socket.settimeout(0)
        try:
            while True:
                self._socket.recv(2048)
        except (BlockingIOError, TimeoutError):
            pass

    def arrival(self, is_it: Callable[[bytes], bool],
                seconds: float = _PATIENCE_SECONDS) -> float | None:
        """When the kernel saw that frame, in Unix time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                frame, ancillary, *_ = self._socket.recvmsg(2048, 64)
            except TimeoutError:
                return None
            if frame[6:12] == _bytes(wire.NEAR_MAC) and is_it(frame):
                sec, nsec = struct.unpack("qq", ancillary[0][2][:16])
                return sec + nsec / 1e9
        return None

    def _ask(self, frame: bytes, is_answer: Callable[[bytes], bool],
             seconds: float) -> float | None:
        self.forget()
        sent_at = time.time()
        self._socket.send(frame)
        seen_at = self.arrival(is_answer, seconds)
        return None if seen_at is None else (seen_at - sent_at) * 1e3

    def arp_ms(self, seconds: float = _PATIENCE_SECONDS) -> float | None:
        gateway = _bytes(wire.GATEWAY_MAC)
        frame = (b"\xff" * 6 + gateway + struct.pack("!HHHBBH", _ARP, 1, _IPV4, 6, 4, 1) + gateway
                 + socket.inet_aton(wire.GATEWAY) + bytes(6) + socket.inet_aton(_ADDRESS))
        return self._ask(frame, lambda it: it[12:14] == b"\x08\x06" and it[21] == 2, seconds)

    def echo_ms(self, seconds: float = _PATIENCE_SECONDS) -> float | None:
        self._count += 1
        message = struct.pack("!BBHHH", 8, 0, 0, 77, self._count) + b"is it there?"
        message = message[:2] + struct.pack("!H", _checksum(message)) + message[4:]
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(message), self._count, 0, 60, 1, 0,
                             socket.inet_aton("16.1.2.3"), socket.inet_aton(_ADDRESS))
        header = header[:10] + struct.pack("!H", _checksum(header)) + header[12:]
        frame = (_bytes(wire.NEAR_MAC) + _bytes(wire.GATEWAY_MAC) + struct.pack("!H", _IPV4) + header
                 + message)
        return self._ask(frame, lambda it: it[12:14] == b"\x08\x00" and it[34] == 0
                         and it[40:42] == frame[40:42], seconds)


def _bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xffff)
    return ~total & 0xffff


def _socket_in(namespace: str) -> socket.socket:
    made: list[socket.socket] = []

    def make() -> None:  # the namespace is the thread's: it ends with it
        with open(f"/run/netns/{namespace}") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        packet_socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        packet_socket.bind((wire.FAR, 0))
        packet_socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        made.append(packet_socket)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if not made:
        raise ProgramError("the bench", f"cannot look into the namespace {namespace}")
    return made[0]


def why_not() -> str | None:
    return None if os.geteuid() == 0 else "only root may make network namespaces"
