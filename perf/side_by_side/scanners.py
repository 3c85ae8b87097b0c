"""ZMap, masscan, scamper and testpmd, each at its fastest, over the wire."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable

from . import testpmd, wire
from .programs import Place, ProgramError, Running, run, wait_until

_NO_LIMIT_PPS = 100_000_000
_SCAMPER_PPS = 10_000  # the most that this version takes


@dataclass(frozen=True)
class Scanner:
    """`rates(said)`: packets a second sent, by its own account, one for each status line but the empty."""

    name: str
    what: str
    package: str
    command: Callable[[Path, Place], list[str]]
    rates: Callable[[str], list[float]]
    program: str = ""  # the package's name, if not told


def _zmap(threads: int) -> Callable[[Path, Place], list[str]]:
    # Rate 0 is no limit.
    return lambda *_: [
        "zmap", "--probe-module=icmp_echoscan", f"--interface={wire.NEAR}",
        f"--gateway-mac={wire.GATEWAY_MAC}", f"--source-ip={wire.ADDRESS}", "--rate=0",
        f"--sender-threads={threads}", "--cooldown-time=0", "--blacklist-file=/dev/null",
        "--output-file=/dev/null", wire.DESTINATIONS]


def _masscan(*_: object) -> list[str]:
    return ["masscan", "--ping", f"--rate={_NO_LIMIT_PPS}", "-e", wire.NEAR, "--adapter-ip",
            wire.ADDRESS, "--adapter-mac", wire.NEAR_MAC.replace(":", "-"), "--router-mac",
            wire.GATEWAY_MAC.replace(":", "-"), "--wait", "0", wire.DESTINATIONS]


def _scamper(folder: Path, _: Place) -> list[str]:
    addresses = folder / "addresses"
    with addresses.open("w") as file:
        file.writelines(wire.destination(i) + "\n" for i in range(30 * _SCAMPER_PPS))
    return ["scamper", "-p", str(_SCAMPER_PPS), "-w", "0", "-O", "warts", "-o", "/dev/null", "-c",
            "ping -R -c 1 -W 1", "-f", str(addresses)]


def _txonly(_: Path, place: Place) -> list[str]:
    work = replace(testpmd.TXONLY, device=f"net_af_xdp0,iface={wire.NEAR}")
    return testpmd.command(work, place.worker_core, place.control_core)


_SCALE = {"": 1.0, "K": 1e3, "M": 1e6}


def zmap_rates(said: str) -> list[float]:
    """ 0:02 0%; send: 1026593 511 Kp/s (503 Kp/s avg); ..."""
    return [float(value) * _SCALE[scale]
            for value, scale in re.findall(r"send: \d+ ([\d.]+) ([KM]?)p/s", said)
            if float(value) > 0]


def masscan_rates(said: str) -> list[float]:
    """rate:514.34-kpps,  0.46% done, ..."""
    return [float(value) * 1e3 for value in re.findall(r"rate:\s*([\d.]+)-kpps", said)
            if float(value) > 0]


def scamper_rates(_: str) -> list[float]:
    """It says nothing while it works."""
    return []


ZMAP = Scanner("ZMap", "echo requests of 28 bytes of IP, one sending thread", "zmap", _zmap(1),
               zmap_rates)
ZMAP_2 = Scanner("ZMap -T 2", "the same from two sending threads", "zmap", _zmap(2), zmap_rates)
MASSCAN = Scanner("masscan", "echo requests, one sending thread (it has no more a port)", "masscan",
                  _masscan, masscan_rates)
SCAMPER = Scanner("scamper", f"pings with Record Route at its greatest rate, {_SCAMPER_PPS} a second",
                  "scamper", _scamper, scamper_rates)

TXONLY = Scanner("testpmd txonly", "one constant frame on net_af_xdp: what that port takes at most",
                 "dpdk-dev", _txonly, testpmd.transmit_rates, "dpdk-testpmd")


def measure_mpps(scanner: Scanner, seconds: float, place: Place) -> float:
    """Million packets a second that arrive at the far end."""
    with tempfile.TemporaryDirectory() as folder, wire.Wire() as cable:
        command = place.under(scanner.command(Path(folder), place))
        with Running(cable.from_near(command)) as running:
            def has_begun() -> bool:
                return cable.arrived() > 1000 or running.process.poll() is not None

            if not wait_until(has_begun, 10) or running.process.poll() is not None:
                raise ProgramError(scanner.name, "does not send", running.said)
            running.wait_for(0.5)
            rate = cable.arrivals_a_second(seconds)
    return rate / 1e6


def version(package: str) -> str:
    """As the package has it, without Debian's suffix."""
    text = run(["dpkg-query", "-W", "-f=${Version}", package], "dpkg-query")
    return re.sub(r"^\d+:|[-+].*$", "", text)
