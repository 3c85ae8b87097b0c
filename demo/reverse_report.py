"""The demo's second half: the way there, the way back with how each hop was found, and the truth."""

from __future__ import annotations

from itertools import zip_longest

from demo.report import Ink
from demo.reverse import ReverseVerdict
from demo.verdict import Verdict

_HEAD = ("#", "THERE", "#", "BACK", "AT", "TECHNIQUE", "TRUTH")


def page(record: dict, verdicts: list[Verdict], reverse: list[ReverseVerdict], ink: Ink) -> str:
    source = record["vps"][0]
    lines = ["", ink.title(f"Reverse traceroutes to {source['node']} ({source['address']})"),
             f"THERE is the trace from {source['node']}, BACK the way from the destination, which "
             "nobody at it had a hand in,", "and TRUTH what the routers' tables say of the way back."]
    for verdict in reverse:
        lines += ["", *_path(verdict, _way_there(verdicts, verdict), ink)]
    return "\n".join([*lines, "", conclusion(verdicts, reverse)])


def conclusion(verdicts: list[Verdict], reverse: list[ReverseVerdict]) -> str:
    agreeing = sum(v.agrees for v in verdicts) + sum(v.agrees for v in reverse)
    return f"{agreeing} of {len(verdicts) + len(reverse)} agree with the routing tables"


def as_json(reverse: list[ReverseVerdict]) -> list[dict]:
    return [{"source": v.source, "destination": v.destination, "agrees": v.agrees,
             "assumes_symmetry": v.is_assumed, "missing": v.missing, "truth": v.true_nodes,
             "path": v.path} for v in reverse]


def _way_there(verdicts: list[Verdict], of: ReverseVerdict) -> list[str]:
    for v in verdicts:
        it = v.measurement
        if (it.vp, it.destination, it.kind, it.method) == (of.source, of.destination, "trace",
                                                           "icmp"):
            return [row.router for row in v.rows if not row.is_hidden]
    return []


def _path(v: ReverseVerdict, there: list[str], ink: Ink) -> list[str]:
    said = (f"{v.path['runtime'] / 1000:.0f} ms, {v.path['probes']} probes" if v.reaches else
            f"failed: {v.path['fail_detail'] or v.path['fail_reason']}")
    stands_in = (", a router in the AS of one that is silent"
                 if v.path["is_try_from_destination_AS"] else "")
    lines = [ink.title(f"{v.destination}{stands_in}") + f"  ({v.path['dst']}; {said})"]
    if not v.reaches:
        return lines
    rows: list[tuple[tuple[str, ...], bool | None]] = []  # cells, and whether that hop is right
    for number, (way, hop, true) in enumerate(
            zip_longest(there, v.hops, v.true_nodes), 1):
        rows.append(((str(number) if way else "", way or "", str(number) if hop else "",
                      hop.address if hop else "", hop.node if hop else "",
                      hop.technique if hop else "", true or ""),
                     None if hop is None else hop.is_right))
    widths = [max(map(len, column)) for column in zip(_HEAD, *(cells for cells, _ in rows))]
    def line(cells: tuple[str, ...]) -> str:
        return "  " + "  ".join(f"{c:<{w}}" for c, w in zip(cells, widths)).rstrip()
    lines.append(ink.faint(line(_HEAD)))
    for cells, is_right in rows:
        mark = "" if is_right is None else f"  {ink.mark(is_right)}"
        lines.append(line(cells).ljust(2 + sum(widths) + 2 * (len(widths) - 1)) + mark)
    return lines
