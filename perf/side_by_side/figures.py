"""Which figures there are: how each is measured, what it must reach, what it says and does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import scanners, testpmd

# --- of backsight-bench alone -------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """What a figure of a bench, by its JSON key, must reach."""

    bench: str
    key: str
    unit: str
    value: float
    at_most: bool = False


# Of backsight-vp, in a network namespace: idle.py.
IDLE = "idle"
_IDLE_TARGETS = tuple(
    Target(IDLE, f"{driver}_{key}", unit, value, at_most=True)
    for driver in ("af_packet", "af_xdp")
    for key, unit, value in (("core_percent", "%", 1), ("arp_worst_ms", "ms", 20),
                             ("echo_worst_ms", "ms", 20), ("first_probe_worst_ms", "ms", 20)))

TARGETS = (
    Target("loop", "mpps", "Mpps", 10.25),
    Target("match", "claim_ns_64m", "ns", 25, at_most=True),
    Target("trace", "traces_per_second", "1/s", 200_000),
    Target("pace", "worst_error_percent", "%", 0.1, at_most=True),
    Target("flood", "honest_fall_percent", "%", 1, at_most=True),
    Target("flood", "accepted_forgeries", "", 0, at_most=True),
    Target("kill", "worst_us", "us", 100_000, at_most=True),
    *_IDLE_TARGETS,
)

# Runs of one bench beyond the plain one: name, bench, further options.
VARIANTS = (("loop-faults", "loop", ("--faults",)),)

# Seconds of one run; --quick takes the second. Others take the default.
SECONDS = {"tx": (3, 1), "loop": (3, 1), "trace": (3, 1), "pace": (5, 1), "kill": (2, 1),
           IDLE: (20, 5)}
DEFAULT_SECONDS = (5, 1)
# What must not happen once is looked for as often as this, but for --quick.
UNTIL = {"flood": ("--forged", "1000000000"), "guard": ("--frames", "100000000")}

SAYS = {
    "tx": ("One core takes tasks, chooses, crafts, tags and tracks record route probes, hands them to "
           "net_null in bursts, and ends each by its time-out: what the engine costs a probe.",
           "What a NIC, its bus and its driver cost; nothing comes back."),
    "loop": ("The whole way of a probe on one worker core: sent, answered by the other core with nine "
             "stamped addresses, received, verified, matched, timed, exported.",
             "The ring between the cores stands for the NIC; if the other core is slower than the "
             "worker, the figure is the other core's."),
    "loop-faults": ("The same while the network loses 1%, doubles 1%, delays 0.1% and reorders 1% of "
                    "the replies: the laws of conservation are checked over all packets.",
                    "A rate: lost probes are waited for."),
    "match": ("What it costs to find and end the probe that a reply names, slots asked for ahead in "
              "bursts of 32, in a full table.", "The packet's own way through the caches."),
    "trace": ("Complete Paris traceroutes of twelve hops, every hop checked.",
              "Networks with silent hops: those are bounded by time-outs."),
    "pace": ("How far the rate at the port is from the rate asked, from 10 pps to 5 Mpps.",
             "The wire's own gaps; a NIC sends a burst back to back."),
    "flood": ("Honest probes beside forged replies, first as fast as the port's queue takes them, then beyond.",
              "Floods beyond what one core forges, and of the link itself."),
    "guard": ("Tasks to all addresses and in all names, lists replaced meanwhile, and every frame looked "
              "at as it leaves by code that is not the engine's.",
              "A rate: most of what is tried is refused."),
    "kill": ("From the kill switch to the last frame at the port, at full rate.",
             "The signal's own way to the process, and what a NIC's queue still holds."),
    "idle": ("A vantage point with `idle: adaptive` that serves a queue with nothing in it: its share of a "
             "core, all threads together; then, each after some tenths of a second of quiet, how long it "
             "takes to answer ARP and pings, and from a task in the log to its probe at the far end.",
             "What rx interrupts of a NIC would spare."),
    "export": ("Results from a worker's reports to the synced log, by control's part.",
               "Other disks than this one."),
    "micro": ("Single steps, in nanoseconds of one core: craft, parse, checksum, tag, claim.",
              "What they cost together: caches are warm."),
}

# --- beside other programs ----------------------------------------------------------------------


@dataclass(frozen=True)
class BesideTestpmd:
    name: str
    bench: str
    work: testpmd.Work
    target: float | None
    differs: str


TESTPMD = (
    BesideTestpmd("tx/txonly", "tx", testpmd.TXONLY, 0.8,
                  "testpmd copies one constant header into each buffer, and reads no task, keeps "
                  "nothing, waits for nothing"),
    BesideTestpmd("tx/flowgen", "tx", testpmd.FLOWGEN, 1.5,
                  "testpmd writes a UDP header with the next destination and its IP checksum, and "
                  "keeps nothing"),
    BesideTestpmd("loop/ring", "loop", testpmd.RING, None,
                  "one burst that never leaves a core's cache goes round; addresses are swapped, "
                  "nothing is crafted, verified, kept or timed: the price of rings, not of probing"),
)


@dataclass(frozen=True)
class OverWire:
    """backsight-vp with a driver beside a scanner, over the wire."""

    name: str
    kind: str  # of our probes
    driver: str
    scanner: scanners.Scanner
    target: float | None


def _over_wire() -> Iterator[OverWire]:
    for driver, short in (("net_af_xdp", "af_xdp"), ("net_af_packet", "af_packet")):
        is_xdp = short == "af_xdp"
        for scanner, kind, target in ((scanners.ZMAP, "ping", 3), (scanners.ZMAP_2, "ping", None),
                                      (scanners.MASSCAN, "ping", 3), (scanners.SCAMPER, "rr", 200)):
            word = scanner.name.lower().replace(" -t ", "-")
            yield OverWire(f"{short}/{word}", kind, driver, scanner, target if is_xdp else None)
    yield OverWire("af_xdp/txonly", "rr", "net_af_xdp", scanners.TXONLY, None)


WIRE = tuple(_over_wire())
