"""The machine: what it is, and its huge pages for as long as the benches run."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from .programs import tell

_NR_HUGEPAGES = Path("/proc/sys/vm/nr_hugepages")
_FREE = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
# Of 2 MiB: 64 million slots of 32 bytes are 1024; buffers and DPDK's own fit in the rest.
PAGES_WANTED = 1600


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.M)
    return found.group(1).strip() if found else "unknown"


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return ""


def describe() -> dict[str, str]:
    cpu = _output("lscpu")
    memory_kb = int(_first(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()))
    threads = _first(r"^Thread\(s\) per core:\s*(.+)", cpu)
    caches = {level: _first(rf"^{level} cache:\s*(.+)", cpu) for level in ("L2", "L3")}
    # Whether a hypervisor is there at all decides what a core's time is worth.
    hypervisor = _first(r"^Hypervisor vendor:\s*(.+)", cpu)
    return {
        "cpu": _first(r"^Model name:\s*(.+)", cpu),
        "cores": f"{os.cpu_count()}, threads a core: {threads}",
        "clock": f"{_tsc_ghz(cpu)} GHz (time stamp counter)",
        "caches": ", ".join(f"{level} {size}" for level, size in caches.items()),
        "memory": f"{memory_kb / 2**20:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "hypervisor": "none seen" if hypervisor == "unknown" else hypervisor,
        "dpdk": _output("pkg-config", "--modversion", "libdpdk").strip() or "unknown",
        "compiler": "g++ " + (_output("g++", "-dumpfullversion").strip() or "unknown"),
    }


def _tsc_ghz(cpu: str) -> str:
    """lscpu's BogoMIPS are twice the counter's MHz."""
    bogo = _first(r"^BogoMIPS:\s*([\d.]+)", cpu)
    return "unknown" if bogo == "unknown" else f"{float(bogo) / 2000:.2f}"


def load_of_others() -> float:
    return os.getloadavg()[0]


class Hugepages:
    """Sets aside what is missing, and gives it back. `are_there` says whether it worked."""

    def __init__(self, wanted: int = PAGES_WANTED):
        self._wanted = wanted
        self._before: int | None = None
        self.are_there = False

    def __enter__(self) -> Hugepages:
        try:
            free = int(_FREE.read_text())
            total = int(_NR_HUGEPAGES.read_text())
            if free < self._wanted and os.geteuid() == 0:
                self._before = total
                _NR_HUGEPAGES.write_text(str(total + self._wanted - free))
                free = int(_FREE.read_text())
                tell(f"set aside {self._wanted} huge pages; they are given back at the end")
            self.are_there = free >= self._wanted
        except (OSError, ValueError):
            self.are_there = False
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            _NR_HUGEPAGES.write_text(str(self._before))
