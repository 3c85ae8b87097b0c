"""A veth pair between two network namespaces, and what arrives at its far end.

The far end has another Ethernet address than the frames are sent to: the kernel receives each, counts
it, and drops it before any routing. Whatever the near end sends, nothing answers.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from .programs import run

NEAR, FAR = "eth0", "far0"
NEAR_MAC, FAR_MAC, GATEWAY_MAC = ("02:00:00:00:0a:01", "02:00:00:00:0b:01", "02:00:00:00:0c:01")
ADDRESS, GATEWAY, PREFIX_LENGTH = "11.0.0.2", "11.0.0.1", 24
# Destinations beyond the gateway; all of them a permutation apart.
DESTINATIONS = "16.0.0.0/4"


class Wire:
    """Raised anew for each program, so that none finds what another left."""

    def __init__(self) -> None:
        self.name = f"backsight-bench-{os.getpid()}"
        self.near, self.far = f"{self.name}-a", f"{self.name}-b"

    def __enter__(self) -> Wire:
        try:
            self._raise()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def _raise(self) -> None:
        lines = [f"netns add {self.near}", f"netns add {self.far}",
                 f"link add name {NEAR} address {NEAR_MAC} netns {self.near} type veth "
                 f"peer name {FAR} address {FAR_MAC} netns {self.far}"]
        _ip(lines)
        for space, interface in ((self.near, NEAR), (self.far, FAR)):
            self.inside(space, ["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"])
            _ip(["link set lo up", f"link set {interface} up"], space)
        _ip([f"address add {ADDRESS}/{PREFIX_LENGTH} dev {NEAR}",
             f"neighbour add {GATEWAY} lladdr {GATEWAY_MAC} dev {NEAR} nud permanent",
             f"route add default via {GATEWAY}"], self.near)

    def _remove(self) -> None:
        for space in (self.near, self.far):
            if Path("/run/netns", space).exists():
                subprocess.run(["ip", "netns", "delete", space], capture_output=True)

    def inside(self, space: str, command: list[str]) -> str:
        return run(["ip", "netns", "exec", space, *command], command[0])

    def from_near(self, command: list[str]) -> list[str]:
        """The command as run at the near end."""
        return ["ip", "netns", "exec", self.near, *command]

    def arrived(self) -> int:
        text = self.inside(self.far, ["cat", f"/sys/class/net/{FAR}/statistics/rx_packets"])
        return int(text)

    def arrivals_a_second(self, seconds: float) -> float:
        before, start = self.arrived(), time.monotonic()
        time.sleep(seconds)
        after, end = self.arrived(), time.monotonic()
        return (after - before) / (end - start)


def _ip(lines: list[str], space: str | None = None) -> None:
    run(["ip", *(["-netns", space] if space else []), "-batch", "-"], "ip -batch",
        input="\n".join(lines) + "\n")


def destination(index: int) -> str:
    """The index-th of the destinations, in an order that jumps; none repeats within 2^28."""
    value = 0x10000000 | (index * 0x9e3779b1) & 0x0fffffff
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))
