"""The whole system in a lab: every vantage point serving one queue, and a controller with its API.

The queue is a folder: the vantage points are in namespaces of their own, and share no network with
the controller but the one that is measured.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from demo.fleet import AF_PACKET, DEVICES, FleetError

_START_SECONDS = 90.0
_END_SECONDS = 10.0
_LOOK_SECONDS = 0.05

_VP = """name: {name}
id: {number}
ports: [{{device: "{device}", address: {address}/{prefix_length}, gateway: {gateway}}}]
engine: {{workers: {workers}, control: {control}, idle: adaptive, hugepages: off, inflight: 65536}}
rates: {{total_pps: 10000, per_destination_pps: 1000, per_prefix24_pps: 1000}}
identity: {{key_file: fleet.key}}
spoofing: {{enrolled: enrolled.yaml}}
queue: {{url: "{queue}", spool: spool}}
metrics: {{listen: "off"}}
"""

_CONTROLLER = """listen: {listen}
queue: {{url: "{queue}", state: consumer}}
archive: archive
state: state
annotation: {{prefixes: {prefixes}}}
{aliases}deny: deny.txt
allow_bogons: true
metrics: {{listen: {metrics}}}
"""


class Service:
    """Vantage points and controller of the lab with this record, until `end`."""

    def __init__(self, programs: Path, folder: Path, record: dict, port: str = AF_PACKET,
                 with_aliases: bool = True):
        self.folder, self.record = folder, record
        self._programs, self._port = programs, port
        self.api = f"127.0.0.1:{_free_port()}"
        self._processes: dict[str, subprocess.Popen] = {}
        self._queue = self.queue_url()
        key = folder / "fleet.key"
        if not key.exists():
            key.touch(0o600)
            key.write_text(secrets.token_hex(32) + "\n")
        (folder / "deny.txt").write_text("")
        blocks = ", ".join(entry["prefix"] for entry in record["ases"])
        (folder / "enrolled.yaml").write_text(f"enrolled: [{blocks}]\n")
        aliases = f"aliases: {record['aliases_file']}\n" if with_aliases else ""
        (folder / "controller.yaml").write_text(_CONTROLLER.format(
            listen=self.api, metrics=f"127.0.0.1:{_free_port()}", queue=self._queue,
            prefixes=record["prefixes_file"], aliases=aliases))

    def queue_url(self) -> str:
        (self.folder / "queue").mkdir(exist_ok=True)
        return f"file://{self.folder / 'queue'}"

    def start(self) -> None:
        """Returns once every vantage point is a source whose atlas is there."""
        for number, host in enumerate(self.record["vps"], 1):
            self.start_vp(host, number)
        self.start_controller()
        self.wait_until_ready(len(self.record["vps"]))

    def start_vp(self, host: dict, number: int) -> None:
        cores = sorted(os.sched_getaffinity(0))
        config = self.folder / f"{host['node']}.yaml"
        config.write_text(_VP.format(
            name=host["node"], number=number, queue=self._queue,
            device=DEVICES[self._port].format(host["interface"]), address=host["address"],
            prefix_length=host["prefix_length"], gateway=host["gateway"],
            workers=[cores[number % len(cores)]], control=cores[0]))
        self._run(host["node"], ["ip", "netns", "exec", host["namespace"],
                                 str(self._programs / "backsight-vp"), "--config", str(config)])

    def start_controller(self) -> None:
        self._run("controller", [str(self._programs / "backsight-controller"), "--config",
                                 str(self.folder / "controller.yaml")])

    def _run(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("a") as log:
            # A session of its own: Ctrl-C is ours to handle.
            self._processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def wait_until_ready(self, sources: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        said: dict = {}
        while time.monotonic() < deadline:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise FleetError(f"{name} ended early: {self.complaint(name)}")
            try:
                said = self.get("/api/v1/sources")
                ready = [source for source in said["srcs"] if source["ready"]
                         and source["atlas"]["traceroutes"] >= sources - 1]
                if len(ready) == sources:
                    return
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(_LOOK_SECONDS)
        raise FleetError(f"the controller is not ready after {_START_SECONDS:.0f} s: "
                         f"{said or self.complaint('controller')}")

    def request(self, method: str, path: str, body: dict | None = None,
                headers: dict | None = None) -> tuple[int, Any]:
        """Status and JSON of an answer, whatever the status."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.api}{path}", data=data, method=method,
                                         headers={"Content-Type": "application/json",
                                                  **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def get(self, path: str) -> Any:
        status, answer = self.request("GET", path)
        if status != 200:
            raise FleetError(f"{path}: {status}: {answer}")
        return answer

    def measure(self, revtrs: list[dict], seconds: float = 120.0) -> list[dict]:
        """The ended paths of these requests, stand-ins included."""
        status, answer = self.request("POST", "/api/v1/revtr", {"revtrs": revtrs})
        if status != 200:
            raise FleetError(f"the controller refuses: {answer}")
        deadline = time.monotonic() + seconds
        while True:
            batch = self.get(f"/api/v1/revtr?batchid={answer['batch_id']}")
            if batch["complete"]:
                return batch["revtrs"]
            if time.monotonic() > deadline:
                raise FleetError(f"{batch['ended']} of {batch['total']} have ended after "
                                 f"{seconds:.0f} s: {self.complaint('controller')}")
            time.sleep(_LOOK_SECONDS)

    def complaint(self, name: str) -> str:
        lines = (self.folder / f"{name}.log").read_text().strip().splitlines()
        return " / ".join(lines[-5:]) or "without a word"

    def kill(self, name: str) -> None:
        self._processes[name].kill()
        self._processes[name].wait()
        del self._processes[name]

    def end(self) -> dict[str, int]:
        """Lets all end in order. Returns their exit codes."""
        for process in self._processes.values():
            process.terminate()
        codes = {}
        for name, process in self._processes.items():
            try:
                codes[name] = process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = process.wait()
        self._processes.clear()
        return codes


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
