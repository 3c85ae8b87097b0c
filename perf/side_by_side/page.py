"""docs/performance.md, from what a run found."""

from __future__ import annotations

from statistics import median
from textwrap import fill

from . import figures, line_rate, scanners, table
from .measure import Findings, Setting
from .programs import ROOT

PAGE = ROOT / "docs/performance.md"
_WIDTH = 108

_INTRO = """\
# Performance

Written by `scripts/bench --write` from one run; do not edit. Compare ratios: both programs of a pair
ran in turn on the same cores. A rate of one machine says little of another.

"""

_STAGES = ("receive", "match", "expire", "choose", "craft", "transmit")

_WIRE_TEXT = """\
## Over a veth pair

Two network namespaces, one veth pair, Linux's defaults. What counts are the packets that the far end
receives (`rx_packets`), over the same number of seconds; it drops them, as they carry another Ethernet
address than its own, and nothing answers. All go to distinct destinations of 16.0.0.0/4 beyond a
gateway whose address is given. Ours crafts, tags, tracks and times out each probe and writes its result
to the log; of the others only scamper keeps what it sent.

{peers}
- **backsight-vp**: pings of 24 bytes beyond Ethernet and IP beside ZMap and masscan, Record Route pings
  beside scamper and testpmd; one worker core and part of the control core, `idle: poll`, no limits,
  tasks and results in a queue in memory. net_af_xdp has one queue on a veth.

**What bounds tx here** is no single stage. testpmd allocates, writes a header of 42 bytes and frees in
about 26 cycles a packet; a probe of ours costs four times that on one core: about 40 to give it a slot, a
handle and a tag, to write its frame and to file it, 20 to end it by its time-out and report that, 18 to
take it from the mailbox past limits and next hop, 12 to hand it to the port and get the buffer back, and
20 for the benchmark's own part, which writes the tasks and reads the reports on the same core. Fewer
cycles need fewer records: one task for many destinations would spare most of what is not the frame.

**What bounds loop here** is the worker's core; the other one, which is the network and control at once,
polls empty rings. A probe takes it about 60 cycles to send and 150 to read the reply, check its tag, claim
the slot, and write a report of two cache lines past the caches; the rest passes tasks and buffers between
the cores, of which a line takes 160 ns. Under `perf record` the report's lines and the slot are what
`match` waits for.

**What bounds flood**: a forged reply costs the worker about as much to refuse as an honest one to match.
As long as the port's queue takes what comes, honest replies are not touched; beyond that the queue drops
them with the others, which a worker cannot prevent.

**What bounds AF_XDP here** is the kernel. Under `perf record`, 98% of the time of testpmd, sending on
the same port, passes inside `sendto`: net_af_xdp on a veth copies, so each frame gets a socket buffer
(11%), passes `veth_xmit` (19%), and the receiving end of the pair runs on the core that sends, packet by
packet, as soft interrupt (49%). `af_xdp/txonly` sets it beside what that port takes of testpmd. A NIC whose
driver has zero-copy AF_XDP, or DPDK's own drivers, have none of these costs; that was not measured.
On a veth net_af_xdp opens one queue, so a second worker hands its packets to the first: that was no faster.
"""


def _machine(described: dict[str, str]) -> str:
    return "\n".join(f"- {key}: {value}" for key, value in described.items())


def _setting(setting: Setting) -> str:
    urgency = ("before all other programs (`chrt --fifo 50`)" if setting.place.is_real_time
               else "at normal priority")
    return (f"- run: {setting.pairs} pairs a ratio, {'short runs, ' if setting.is_quick else ''}"
            f"{urgency}, {'2 MiB huge pages' if setting.uses_hugepages else 'no huge pages'}")


def _bench_section(name: str, runs: list[dict]) -> str:
    what, but = figures.SAYS.get(name, ("", ""))
    lines = [f"### {name}", ""]
    if what:
        lines += [fill(what + (f" Does not say: {but[0].lower() + but[1:]}" if but else ""), _WIDTH), ""]
    rows = []
    for key in runs[-1]:
        values = [run[key] for run in runs if isinstance(run.get(key), (int, float))]
        if not values or key in ("laws", "broken") or key.startswith("cycles_"):
            continue
        spread = f"{table.number(min(values))} to {table.number(max(values))}" if min(values) < max(values) else ""
        rows.append((f"`{key}`", table.number(median(values)), spread))
    lines.append(table.markdown(("figure", "median" if len(runs) > 1 else "value", "spread"), rows))
    broken = sorted({law for run in runs for law in run.get("broken", [])})
    laws = runs[-1].get("laws", 0)
    if broken:
        lines += ["", "Broken: " + "; ".join(broken) + "."]
    elif laws:
        lines += ["", f"Laws that hold: {laws}" + (f", in {len(runs)} runs." if len(runs) > 1 else ".")]
    return "\n".join(lines)


def _cycles(benches: dict[str, list[dict]]) -> str:
    keys = [f"cycles_{stage}" for stage in _STAGES] + ["cycles_per_packet"]
    rows = []
    for name, runs in benches.items():
        medians = [median(values) if (values := [run[key] for run in runs if key in run]) else None
                   for key in keys]
        if any(value is not None for value in medians):
            rows.append((name, *(table.number(value) for value in medians)))
    if not rows:
        return ""
    return ("## Cycles a packet, by stage\n\n"
            "Time stamp counter's cycles, from the running worker's own counters, of the packets that "
            "passed the\nstage. `match` contains the wait for a packet that another core wrote; `all` is "
            "the whole core's time\nfor each probe.\n\n"
            + table.markdown(("bench", *_STAGES, "all"), rows) + "\n\n")


def _line_rates() -> str:
    rows = [(frame, *(f"{line_rate.line_rate_mpps(frame, link):.2f}" for link in line_rate.LINKS_GBPS),
             what) for frame, what in line_rate.FRAMES]
    head = ("bytes", *(f"{link} GbE" for link in line_rate.LINKS_GBPS), "frame")
    return ("## Line rates to read them against\n\n"
            "Million packets a second = link / (8 x (bytes + 24)): a frame, without its check sequence, of "
            "at\nleast 60 bytes; 24 are the check sequence (4), preamble and delimiter (8) and the gap "
            "(12).\n\n" + table.markdown(head, rows, (5,)) + "\n")


def _beside_testpmd() -> str:
    lines = [fill(f"- **{it.name}**: {it.work.what}. {it.differs[0].upper() + it.differs[1:]}.", _WIDTH,
                  subsequent_indent="  ") for it in figures.TESTPMD]
    return "## Beside testpmd\n\nThe same frame length (98 bytes), one core.\n\n" + "\n".join(lines) + "\n\n"


def _wire() -> str:
    kinds = (scanners.ZMAP, scanners.ZMAP_2, scanners.MASSCAN, scanners.SCAMPER,
             scanners.TXONLY)
    lines = [f"- **{it.name}** {scanners.version(it.package)}: {it.what}" for it in kinds]
    return _WIRE_TEXT.format(peers="\n".join(lines)) + "\n"


def _left_out(found: Findings) -> str:
    rows = [*found.skipped.items(), *((name, f"failed: {why}") for name, why in found.failed.items())]
    if not rows:
        return ""
    return ("## Not measured\n\n" + "\n".join(f"- {name}: {why.splitlines()[0]}" for name, why in rows)
            + "\n\n")


def render(found: Findings, described: dict[str, str], setting: Setting) -> str:
    parts = [_INTRO, _machine(described), "\n", _setting(setting), "\n\n## Figures\n\n",
             "Medians; the spread is from the least to the greatest of the runs. A ratio is ours to "
             "theirs, pair\nby pair.\n\n", table.markdown_of(found.comparisons), "\n\n",
             _left_out(found), _cycles(found.benches), "## The benches\n\n",
             "\n\n".join(_bench_section(name, runs) for name, runs in found.benches.items()), "\n\n",
             _beside_testpmd(), _wire(), _line_rates()]
    return "".join(parts)


def write(found: Findings, described: dict[str, str], setting: Setting) -> str:
    PAGE.write_text(render(found, described, setting))
    return str(PAGE.relative_to(ROOT))
