"""backsight-vp over the wire, at its fastest."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from . import wire
from .programs import Place, ProgramError, Running, ours, run, wait_until

_NAME = "bench"
# Tasks a second that no port here takes; a queue is filled for the whole measurement.
_MOST_PPS = 2_000_000
_WARM_UP_SECONDS = 0.7
_TIMEOUT_MS = 200
# The queue is kept in memory: what a disk takes is not what is compared, and no scanner writes.
_IN_MEMORY = "/dev/shm"


def _config(folder: Path, driver: str, place: Place, uses_hugepages: bool) -> dict:
    """vp.yaml: no limit but the port. JSON is YAML."""
    unlimited = {"total_pps": 1_000_000_000, "per_destination_pps": 0, "per_prefix24_pps": 0,
                 "per_spoofed_source_pps": 0}
    return {
        "name": _NAME, "id": 1,
        "ports": [{"device": f"{driver}0,iface={wire.NEAR}",
                   "address": f"{wire.ADDRESS}/{wire.PREFIX_LENGTH}", "gateway": wire.GATEWAY,
                   "gateway_mac": wire.GATEWAY_MAC, "answers": "no"}],
        "engine": {"workers": [place.worker_core], "control": place.control_core, "idle": "poll",
                   "hugepages": "required" if uses_hugepages else "off", "inflight": 1 << 20},
        "rates": unlimited,
        "identity": {"key_file": "fleet.key"},
        "queue": {"url": f"file://{folder}/queue"},
        "metrics": {"listen": "off"},
    }


def _fill_queue(folder: Path, kind: str, tasks: int) -> None:
    with (folder / "tasks").open("w") as file:
        file.writelines(
            f'{{"id":{i + 1},"kind":"{kind}","dst":"{wire.destination(i)}",'
            f'"timeout_ms":{_TIMEOUT_MS}}}\n' for i in range(tasks))
    run([ours("backsight"), "queue", "put", "--queue", f"file://{folder}/queue", "--vp", _NAME,
         str(folder / "tasks")], "backsight queue put")
    (folder / "tasks").unlink()


class Vantage:
    """A vantage point for several runs: the tasks are put once, and copied for each run."""

    def __init__(self, kind: str, seconds: float, place: Place, uses_hugepages: bool):
        self.kind, self.seconds, self.place = kind, seconds, place
        self.uses_hugepages = uses_hugepages
        self._kept = tempfile.TemporaryDirectory(
            prefix="backsight-bench-", dir=_IN_MEMORY if os.path.isdir(_IN_MEMORY) else None)
        self.folder = Path(self._kept.name)
        (self.folder / "queue").mkdir()
        run([ours("backsight"), "keygen", str(self.folder / "fleet.key")], "backsight keygen")
        self.tasks = int(_MOST_PPS * (seconds + 2 * _WARM_UP_SECONDS))
        _fill_queue(self.folder, kind, self.tasks)
        (self.folder / "queue").rename(self.folder / "full")

    def __enter__(self) -> Vantage:
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.cleanup()

    def measure_mpps(self, driver: str) -> float:
        """Million packets a second that arrive at the far end."""
        run(["cp", "-r", str(self.folder / "full"), str(self.folder / "queue")], "cp")
        config = self.folder / "vp.yaml"
        config.write_text(json.dumps(_config(self.folder, driver, self.place, self.uses_hugepages)))
        command = self.place.under([ours("backsight-vp"), "--config", str(config)])
        try:
            with wire.Wire() as cable, Running(cable.from_near(command)) as running:
                is_sending = wait_until(
                    lambda: cable.arrived() > 1000 or running.process.poll() is not None, 15)
                if not is_sending or running.process.poll() is not None:
                    raise ProgramError("backsight-vp", "does not send", running.said)
                running.wait_for(_WARM_UP_SECONDS)
                rate = cable.arrivals_a_second(self.seconds)
                if cable.arrived() >= self.tasks:
                    raise ProgramError("backsight-vp", "ran out of tasks while it was measured")
                return rate / 1e6
        finally:
            run(["rm", "-r", str(self.folder / "queue")], "rm")
