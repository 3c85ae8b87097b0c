"""The whole system over a nats-server: beside the lab's own links, each vantage point has one to a
namespace for management, where the broker and the controller are."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from demo.fleet import FleetError
from demo.service import Service

BROKER = shutil.which("nats-server") or "/usr/sbin/nats-server"
_NETWORK = "10.254.0"


class BrokerService(Service):
    def __init__(self, programs: Path, folder: Path, record: dict, *arguments: Any,
                 **options: Any):
        self.management = f"{record['name']}-mgmt"
        super().__init__(programs, folder, record, *arguments, **options)

    def queue_url(self) -> str:
        return f"nats://{_NETWORK}.1:4222"

    def start(self) -> None:
        self._raise_network()
        self.start_broker()
        super().start()

    def start_broker(self) -> None:
        if not Path(BROKER).exists():
            raise FleetError("nats-server is not there; scripts/setup installs it")
        self._run("broker", self._inside(BROKER, "-a", f"{_NETWORK}.1", "-js", "-sd",
                                         str(self.folder / "store")))

    def start_controller(self) -> None:
        self._run("controller", self._inside(str(self._programs / "backsight-controller"),
                                             "--config", str(self.folder / "controller.yaml")))

    def _inside(self, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.management, *command]

    def _raise_network(self) -> None:
        def ip(*words: str) -> None:
            subprocess.run(["ip", *words], check=True)
        ip("netns", "add", self.management)
        ip("-n", self.management, "link", "set", "dev", "lo", "up")
        ip("-n", self.management, "link", "add", "name", "br0", "type", "bridge")
        ip("-n", self.management, "addr", "add", f"{_NETWORK}.1/24", "dev", "br0")
        ip("-n", self.management, "link", "set", "dev", "br0", "up")
        for number, host in enumerate(self.record["vps"], 1):
            inner = f"m{number}"
            ip("link", "add", "name", inner, "netns", self.management, "type", "veth", "peer",
               "name", "mgmt0", "netns", host["namespace"])
            ip("-n", self.management, "link", "set", "dev", inner, "master", "br0", "up")
            ip("-n", host["namespace"], "addr", "add", f"{_NETWORK}.{10 + number}/24", "dev",
               "mgmt0")
            ip("-n", host["namespace"], "link", "set", "dev", "mgmt0", "up")

    def request(self, method: str, path: str, body: dict | None = None,
                headers: dict | None = None) -> tuple[int, Any]:
        more = [word for name, value in (headers or {}).items()
                for word in ("-H", f"{name}: {value}")]
        if body is not None:
            more += ["-H", "Content-Type: application/json", "--data-binary", json.dumps(body)]
        done = subprocess.run(
            self._inside("curl", "-s", "-X", method, "-w", "\n%{http_code}", *more,
                         f"http://{self.api}{path}"), capture_output=True, text=True)
        if done.returncode != 0:
            raise ConnectionError(f"curl: {done.returncode}")
        text, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(text or "null")

    def end(self) -> dict[str, int]:
        codes = super().end()
        subprocess.run(["ip", "netns", "del", self.management], capture_output=True)
        return codes
