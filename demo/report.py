"""The demo's page for people, and the same for programs. At most 110 columns."""

from __future__ import annotations

from itertools import zip_longest

from demo.fleet import Fleet
from demo.verdict import FORWARD, Verdict

_WIDTH = 110
_MARGIN, _GAP = "  ", "   "
_Row = tuple[tuple[str, ...], bool | None]  # cells, and whether they agree, where that is a question
_GREEN, _RED, _BOLD, _DIM, _PLAIN = "\033[32m", "\033[31m", "\033[1m", "\033[2m", "\033[0m"


class Ink:
    """Colours, on a terminal only. What is coloured keeps its width: it is padded before."""

    def __init__(self, is_on: bool):
        self.is_on = is_on

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self.is_on and text else text

    def mark(self, agrees: bool) -> str:
        return self._paint(_GREEN, "=") if agrees else self._paint(_RED, "!")

    def title(self, text: str) -> str:
        return self._paint(_BOLD, text)

    def faint(self, text: str) -> str:
        return self._paint(_DIM, text)


class Block:
    """Lines of known width, to be set side by side."""

    def __init__(self, lines: list[tuple[str, int]]):
        self.lines = lines
        self.width = max(width for _, width in lines)


def page(record: dict, fleet: Fleet, verdicts: list[Verdict], ink: Ink) -> str:
    names = {entry["asn"]: entry["name"] for entry in record["ases"]}
    lines = _vantage_points(record, fleet, names, ink)
    for destination in record["destinations"]:
        of_it = [v for v in verdicts if v.measurement.destination == destination["node"]]
        lines += ["", *_destination(record, destination, names, of_it, ink)]
    wrong = [v for v in verdicts if not v.agrees]
    if wrong:
        lines += ["", ink.title("What differs"), *(f"  {_sentence(v)}" for v in wrong)]
    return "\n".join(lines)


def as_json(record: dict, fleet: Fleet, verdicts: list[Verdict]) -> dict:
    return {
        "lab": record["name"],
        "vantage_points": [{"name": host["node"], "address": host["address"],
                            "port": fleet.ports[host["node"]]} for host in record["vps"]],
        "remarks": fleet.remarks,
        "measurements": [_verdict_json(v) for v in verdicts],
        "agree": sum(v.agrees for v in verdicts),
        "of": len(verdicts),
    }


def _verdict_json(v: Verdict) -> dict:
    it = v.measurement
    return {"kind": it.kind, "vp": it.vp, "source": it.source, "destination": it.destination,
            "flow": str(it.hashed()), "agrees": v.agrees, "outcome": v.outcome,
            "expected_outcome": v.expected_outcome, "why": v.why, "ms": v.ms,
            "rows": [{"at": row.part, "seen": row.seen, "expected": row.expected,
                      "router": row.router, "hidden": row.is_hidden, "ms": row.ms,
                      "agrees": row.agrees} for row in v.rows],
            "result": v.result, "observation": v.observation}


def _vantage_points(record: dict, fleet: Fleet, names: dict, ink: Ink) -> list[str]:
    rows: list[tuple[str, ...]] = [("VANTAGE POINT", "ADDRESS", "AS", "ROUTER", "DPDK PORT")]
    rows += [(host["node"], host["address"], f"{host['asn']} {names[host['asn']]}", host["router"],
              f"{fleet.ports[host['node']]} on {host['interface']}") for host in record["vps"]]
    return [*_aligned(rows, ink), *fleet.remarks, "",
            "SEEN is what the vantage point measured, TRUTH what the routers' tables say. "
            f"{ink.mark(True)} they agree  {ink.mark(False)} they differ",
            "A router in brackets is hidden by a tunnel: packets pass it, no probe can show it."]


def _aligned(rows: list[tuple[str, ...]], ink: Ink) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(f"{c:<{w}}" for c, w in zip(row, widths)).rstrip() for row in rows]
    return [ink.faint(lines[0]), *lines[1:]]


def _destination(record: dict, destination: dict, names: dict, verdicts: list[Verdict],
                 ink: Ink) -> list[str]:
    source = record["vps"][0]["node"]
    where = (f"{destination['address']}, AS {destination['asn']} {names[destination['asn']]}, "
             f"at router {destination['router']}")
    title = f"{destination['node']}: {destination['special']}"
    lines = [ink.title(title) + f"  ({where})" if len(title) + len(where) + 4 <= _WIDTH
             else ink.title(title) + f"\n({where})"]
    own = [v for v in verdicts if v.measurement.vp == source]
    [ping] = [v for v in own if v.measurement.kind == "ping"]
    [direct] = [v for v in own if v.measurement.kind == "rr"]
    spoofed = [v for v in verdicts if v.measurement.is_spoofed]
    best = max(spoofed, key=Verdict.reverse_hops)
    lines += [_ping_line(ping, ink), ""]
    lines += _side_by_side([_trace_block(v, ink) for v in _two_traces(own)])
    lines += ["", *_side_by_side([_route_block(v, ink) for v in (direct, best)])]
    shown = {id(v) for v in (ping, direct, best, *_two_traces(own))}
    rest = [v for v in verdicts if id(v) not in shown]
    return [*lines, "", *_summary(record, rest, ink)]


def _two_traces(own: list[Verdict]) -> list[Verdict]:
    """UDP's, and beside it one that took another branch, else TCP's."""
    first, *others = [v for v in own if v.measurement.kind == "trace"
                      and v.measurement.method == "udp"]
    [tcp] = [v for v in own if v.measurement.method == "tcp"]
    path = [row.seen for row in first.rows]
    return [first, next((v for v in others if [row.seen for row in v.rows] != path), tcp)]


def _ping_line(v: Verdict, ink: Ink) -> str:
    said = (f"reply after {v.ms:.2f} ms, TTL {v.result['reply']['ttl']}"
            if v.result and v.outcome == "replied" else v.outcome.replace("_", " "))
    true = "answers" if v.expected_outcome == "replied" else "does not answer"
    return f"  Ping from {v.measurement.vp}: {said}; truth: {true}  {ink.mark(v.agrees)}"


def _trace_block(v: Verdict, ink: Ink) -> Block:
    it = v.measurement
    flow = it.hashed()
    ports = f" {flow.source_port} to {flow.destination_port}" if flow.source_port else ""
    ending = "" if v.outcome == "reached" else f": {v.outcome.replace('_', ' ')}"
    rows: list[_Row] = [(("TTL", "SEEN", "MS", "TRUTH", "ROUTER"), None)]
    for row in v.rows:
        ms = "" if row.ms is None else f"{row.ms:.2f}"
        cells = (row.part, row.seen, ms, " or ".join(row.expected) or "-", row.router)
        rows.append((("", "", "", "", f"({row.router})"), None) if row.is_hidden else
                    (cells, row.agrees))
    return _block(f"Paris trace from {it.vp}, {it.method.upper()}{ports}{ending}", rows, "><><<",
                  ink, v)


def _route_block(v: Verdict, ink: Ink) -> Block:
    it = v.measurement
    who = f"{it.vp} sent as {it.source}, {it.source} received" if it.is_spoofed else (
        f"{it.vp} sent and received")
    after = "" if v.ms is None else f", {v.ms:.2f} ms"
    if not v.rows:
        said = "no reply" if v.agrees else v.outcome
        return Block([_line(f"Record Route: {who}"), (f"{said}  {ink.mark(v.agrees)}",
                                                      len(said) + 3),
                      _line(f"truth: {v.why}")])
    rows: list[_Row] = [(("PART", "#", "SEEN", "TRUTH", "AT"), None)]
    last = ""
    for slot, row in enumerate(v.rows, 1):
        part = row.part if row.part != last else ""
        last = row.part
        rows.append(((part, str(slot), row.seen, " or ".join(row.expected) or "-", row.router),
                     row.agrees))
    block = _block(f"Record Route: {who}{after}", rows, "<><<<", ink, v)
    if all(row.part == FORWARD for row in v.rows):
        block.lines.append(_line("All slots were used on the way there."))
    return block


def _block(title: str, rows: list[_Row], alignment: str, ink: Ink, v: Verdict) -> Block:
    widths = [max(len(cells[i]) for cells, _ in rows) for i in range(len(rows[0][0]))]
    lines = [_line(title)]
    for number, (cells, agrees) in enumerate(rows):
        text = "  ".join(f"{c:{a}{w}}" for c, a, w in zip(cells, alignment, widths))
        painted = ink.faint(text) if agrees is None else text
        mark = " " if agrees is None else ink.mark(agrees)
        lines.append((f"{painted}  {mark}", len(text) + 3))
    if v.outcome != v.expected_outcome:
        said = f"{v.outcome}; truth: {v.expected_outcome}"
        lines.append((f"{said}  {ink.mark(False)}", len(said) + 3))
    return Block(lines)


def _line(text: str) -> tuple[str, int]:
    return text, len(text)


def _side_by_side(blocks: list[Block]) -> list[str]:
    width = len(_MARGIN + _GAP.join(" " * block.width for block in blocks))
    if width > _WIDTH:
        return [f"{_MARGIN}{text}".rstrip() for block in blocks for text, _ in block.lines]
    lines = []
    for parts in zip_longest(*(block.lines for block in blocks), fillvalue=("", 0)):
        padded = [text + " " * (block.width - width) for (text, width), block in zip(parts, blocks)]
        lines.append((_MARGIN + _GAP.join(padded)).rstrip())
    return lines


def _summary(record: dict, rest: list[Verdict], ink: Ink) -> list[str]:
    """What is not shown in full, a line for each vantage point."""
    lines = []
    for host in record["vps"]:
        its = [v for v in rest if v.measurement.vp == host["node"]]
        if its:
            lines.append(f"  Also from {host['node']}: "
                         + ", ".join(_in_short(group, ink) for group in _grouped(its)))
    return lines


def _grouped(verdicts: list[Verdict]) -> list[list[Verdict]]:
    groups: dict[tuple, list[Verdict]] = {}
    for v in verdicts:
        it = v.measurement
        groups.setdefault((it.kind, it.method, it.is_spoofed), []).append(v)
    return list(groups.values())


def _in_short(group: list[Verdict], ink: Ink) -> str:
    it = group[0].measurement
    if it.kind == "trace":
        name = f"{it.method.upper()} trace" if len(group) == 1 else (
            f"{it.method.upper()} traces of {len(group)} more flows")
    elif it.kind == "rr":
        hops = group[0].reverse_hops()
        who = f" as {it.source}" if it.is_spoofed else ""
        name = f"Record Route{who} ({hops} back)" if group[0].rows else f"Record Route{who}"
    else:
        name = it.kind
    return f"{name} {''.join(ink.mark(v.agrees) for v in group)}"


def _sentence(v: Verdict) -> str:
    it = v.measurement
    who = f"{it.vp} as {it.source}" if it.is_spoofed else it.vp
    what = f"{it.method} {it.kind} (flow {it.flow})" if it.kind == "trace" else it.kind
    parts = [] if v.outcome == v.expected_outcome else [
        f"{v.outcome}, truth: {v.expected_outcome}"]
    parts += [f"{row.part or 'slot'}: {row.seen}, truth: {' or '.join(row.expected) or '-'}"
              for row in v.rows if not row.agrees]
    return f"{what} from {who} to {it.destination}: {'; '.join(parts)}"
