"""Vantage points that run: one backsight-vp in the namespace of each, fed through a pipe.

Needs to know of a vantage point only its entry in the lab's record.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

AF_XDP, AF_PACKET = "AF_XDP", "AF_PACKET"
DEVICES = {AF_XDP: "net_af_xdp0,iface={}", AF_PACKET: "net_af_packet0,iface={}"}
_HELLO_ATTEMPTS, _HELLO_TIMEOUT_MS = 3, 700
_START_SECONDS = 10.0
_PROGRESS_SECONDS = 2.0
_END_SECONDS = 5.0
_GRACE_SECONDS = 1.0  # for replies to spoofed probes, after all else is over

_CONFIG = """name: {name}
id: {number}
ports: [{{device: "{device}", address: {address}/{prefix_length}, gateway: {gateway}}}]
engine: {{workers: {workers}, control: {control}, idle: adaptive, hugepages: off, inflight: 65536}}
rates: {{total_pps: 1000, per_destination_pps: 1000, per_prefix24_pps: 1000}}
identity: {{key_file: fleet.key}}
spoofing: {{enrolled: enrolled.yaml}}
metrics: {{listen: "off"}}
"""


class FleetError(Exception):
    """A sentence for the user."""


class Results:
    """What all vantage points have said so far. Filled by their readers, read by anyone."""

    def __init__(self) -> None:
        self.of_task: dict[int, dict] = {}
        self.observations: dict[int, dict] = {}  # by the task of the spoofed probe
        self._changed = threading.Condition()

    def add(self, line: str) -> None:
        said = json.loads(line)
        kind = self.observations if said.get("observation") else self.of_task
        with self._changed:
            kind[said["task"]] = said
            self._changed.notify_all()

    def wait(self, is_enough: Callable[[], bool], seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(is_enough, seconds)

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class VantagePoint:
    """One backsight-vp. `host` is its entry in the lab's record; task ids are the caller's."""

    def __init__(self, program: Path, folder: Path, host: dict, number: int, port: str,
                 results: Results):
        self.name, self.number, self.port = host["node"], number, port
        self.results = results
        config = folder / f"{self.name}.yaml"
        config.write_text(_config_text(host, number, port))
        self._log = folder / f"{self.name}.{port}.log"
        with self._log.open("w") as log:
            # A session of its own: Ctrl-C is ours to handle.
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", host["namespace"], str(program), "--config", str(config),
                 "--tasks", "-", "--results", "-"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                start_new_session=True)
        assert self.process.stdin and self.process.stdout
        self._tasks, self._said = self.process.stdin, self.process.stdout
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._said:
            self.results.add(line)
        self.results.wake()

    def put(self, tasks: Iterable[dict]) -> None:
        self._tasks.write("".join(json.dumps(task) + "\n" for task in tasks))
        self._tasks.flush()

    def why_not_ready(self, gateway: str, first_id: int) -> str:
        """Pings the gateway; empty once it answers, else what is wrong."""
        try:
            for task in range(first_id, first_id + _HELLO_ATTEMPTS):
                self.put([{"id": task, "kind": "ping", "dst": gateway,
                           "timeout_ms": _HELLO_TIMEOUT_MS}])
                self.results.wait(lambda: task in self.results.of_task or self.has_ended(),
                                  _START_SECONDS)
                if self.results.of_task.get(task, {}).get("outcome") == "replied":
                    return ""
        except BrokenPipeError:
            pass
        return self.complaint() if self.has_ended() else "its gateway does not answer pings"

    def has_ended(self) -> bool:
        return not self._reader.is_alive()

    def complaint(self) -> str:
        lines = self._log.read_text().strip().splitlines()
        ours = [line for line in lines if line.startswith("backsight-vp: ")]
        return (ours or lines or ["it ended without a word"])[-1].removeprefix("backsight-vp: ")

    def end(self) -> int:
        """Lets it finish what is in flight. Returns its exit code."""
        try:
            self._tasks.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        self._said.close()
        return self.process.returncode


def _config_text(host: dict, number: int, port: str) -> str:
    cores = sorted(os.sched_getaffinity(0))
    return _CONFIG.format(
        name=host["node"], number=number, device=DEVICES[port].format(host["interface"]),
        address=host["address"], prefix_length=host["prefix_length"], gateway=host["gateway"],
        workers=[cores[number % len(cores)]], control=cores[0])


class Fleet:
    """All vantage points of a lab. Started side by side, ended by `end`."""

    def __init__(self, program: Path, folder: Path, record: dict):
        self.program, self.folder, self.hosts = program, folder, record["vps"]
        self.results = Results()
        self.vps: dict[str, VantagePoint] = {}
        self.ports: dict[str, str] = {}  # of each vantage point, once it works
        self.remarks: list[str] = []
        key = folder / "fleet.key"
        key.touch(0o600)
        key.write_text(secrets.token_hex(32) + "\n")
        blocks = ", ".join(entry["prefix"] for entry in record["ases"])
        (folder / "enrolled.yaml").write_text(f"enrolled: [{blocks}]\n")

    def start(self, port: str = "") -> None:
        """On AF_XDP where it works, else on AF_PACKET; or all on `port`."""
        reasons = self._start(self.hosts, port or AF_XDP)
        failed = [host for host in self.hosts if reasons[host["node"]]]
        if failed and not port:
            for host in failed:
                name = host["node"]
                self.vps.pop(name).end()
                self.remarks.append(f"{name} runs on {AF_PACKET}; {AF_XDP} did not work: "
                                    f"{reasons[name]}")
            reasons = self._start(failed, AF_PACKET)
        for name, reason in reasons.items():
            if reason:
                raise FleetError(f"{name} does not work on {self.vps[name].port}: {reason}")
        self.ports = {name: vp.port for name, vp in self.vps.items()}

    def _start(self, hosts: list[dict], port: str) -> dict[str, str]:
        """Returns for each what keeps it from working, or an empty string."""
        for host in hosts:
            number = self.hosts.index(host) + 1
            self.vps[host["node"]] = VantagePoint(self.program, self.folder, host, number, port,
                                                  self.results)
        first = 1_000_000 * (1 + (port == AF_PACKET))  # ids of no measurement
        return {host["node"]: self.vps[host["node"]].why_not_ready(
                    host["gateway"], first + _HELLO_ATTEMPTS * self.hosts.index(host))
                for host in hosts}

    def run(self, tasks: dict[str, list[dict]], observed: set[int], seconds: float,
            progress: Callable[[int], None]) -> None:
        """Gives each vantage point its tasks; waits for all results, then these observations."""
        for name, its_tasks in tasks.items():
            self.vps[name].put(its_tasks)
        expected = {task["id"] for its_tasks in tasks.values() for task in its_tasks}
        answered = self.results.of_task.keys()
        deadline = time.monotonic() + seconds
        while not self.results.wait(lambda: expected <= answered, _PROGRESS_SECONDS):
            progress(len(expected & answered))
            for vp in self.vps.values():
                if vp.has_ended():
                    raise FleetError(f"{vp.name} ended early: {vp.complaint()}")
            if time.monotonic() > deadline:
                raise FleetError(f"{len(expected - answered)} of {len(expected)} tasks have no "
                                 f"result after {seconds:.0f} s")
        # What was sent has been answered by now, or never will be.
        self.results.wait(lambda: observed <= self.results.observations.keys(), _GRACE_SECONDS)

    def end(self) -> None:
        for vp in self.vps.values():
            vp.end()
        self.vps.clear()
