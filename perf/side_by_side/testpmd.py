"""dpdk-testpmd, DPDK's own traffic program, as a measure of what a port can do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median

from .programs import Place, ProgramError, run_for

FRAME_BYTES = 98
# Of 32, 64, 128 and 256 the burst that suits testpmd best, here and on most NICs.
_BURST = 64


@dataclass(frozen=True)
class Work:
    name: str
    device: str
    options: tuple[str, ...]
    what: str


TXONLY = Work("txonly", f"net_null0,size={FRAME_BYTES},no-rx=1",
              ("--forward-mode=txonly", "--auto-start", f"--txpkts={FRAME_BYTES}",
               "--total-num-mbufs=4096"),
              "one constant frame, written anew into each buffer")
FLOWGEN = Work("flowgen", f"net_null0,size={FRAME_BYTES},no-rx=1",
               ("--forward-mode=flowgen", "--auto-start", f"--txpkts={FRAME_BYTES}",
                "--total-num-mbufs=4096"),
               "a UDP frame with another destination each and its IP checksum")
# One burst of packets goes round and round.
RING = Work("ring loop", "net_ring0",
            ("--forward-mode=5tswap", "--tx-first", f"--txpkts={FRAME_BYTES}",
             "--total-num-mbufs=8192"),
            "64 packets that one core takes from a ring, swaps the addresses of, and puts back")


def command(work: Work, worker_core: int, control_core: int) -> list[str]:
    return ["dpdk-testpmd", "--lcores", f"0@{control_core},1@{worker_core}", "--main-lcore", "0",
            "--in-memory", "-m", "256", "--no-pci", "--vdev", work.device, "--",
            "--nb-cores=1", "--stats-period=1", f"--burst={_BURST}", *work.options]


def transmit_rates(said: str) -> list[float]:
    """Packets a second, one a second. The first counts from before the start, and is left out."""
    rates = [float(rate) for rate in re.findall(r"Tx-pps:\s*(\d+)", said)]
    return [rate for rate in rates[1:] if rate > 0]


def measure_mpps(work: Work, seconds: float, place: Place) -> float:
    # It ends with its input; a second passes before its first figure, another before one that counts.
    said = run_for(place.under(command(work, place.worker_core, place.control_core)), seconds + 2.5,
                   how="input")
    rates = transmit_rates(said)
    if not rates:
        raise ProgramError("dpdk-testpmd", f"told no rate of {work.name}", said)
    return median(rates) / 1e6
