"""Raises a lab, starts its vantage points, measures, compares, and takes everything down again."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo import report, reverse_report
from demo.broker_service import BrokerService
from demo.fleet import AF_PACKET, AF_XDP, Fleet, FleetError
from demo.plan import plan
from demo.reverse import ReverseJudge, ReverseVerdict
from demo.verdict import Judge, Verdict
from lab import state
from lab.state import LabError
from lab.truth import Truth

_ROOT = Path(__file__).resolve().parent.parent
_LAB = str(_ROOT / "scripts/lab")
_MEASURE_SECONDS = 60.0
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PORTS = {"af_xdp": AF_XDP, "af_packet": AF_PACKET, "auto": ""}

_EPILOG = """examples:
  scripts/demo                     the whole thing: under half a minute after the build
  scripts/demo --keep              and leave the lab up to look around
  scripts/demo --seed 7 --json     another lab, for programs

The last line is "N of N agree with the routing tables". Exit codes: 0 all agree, 1 something
differs or failed, 2 bad usage."""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    if os.geteuid() != 0:
        print("demo: needs root: it makes network namespaces", file=sys.stderr)
        return 1
    for number in _ENDING_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        return _run(options)
    except KeyboardInterrupt:
        print("demo: interrupted; everything is removed again", file=sys.stderr)
        return 130
    except (FleetError, LabError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/demo", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Installs what is missing, builds, raises an Internet of Linux routers, starts "
                    "the vantage points in it, probes every destination with pings, Record Route, "
                    "spoofed Record Route and Paris traceroutes, and prints what they saw beside "
                    "what the routing tables say; then a controller, with a nats-server between it and "
                    "the vantage points, finds the way back from every destination.")
    parser.add_argument("--json", action="store_true", help="print the same for programs")
    parser.add_argument("--keep", action="store_true", help="leave the lab up")
    parser.add_argument("--seed", type=int, metavar="N",
                        help="a lab drawn from this seed (default: the standard lab)")
    parser.add_argument("--port", choices=_PORTS, default="auto",
                        help="DPDK port (default: af_xdp where it works, else af_packet)")
    return parser


def _run(options: argparse.Namespace) -> int:
    programs = _programs()
    name = f"demo-{os.getpid()}"
    try:
        record = _raise_lab(name, options.seed)
        with tempfile.TemporaryDirectory(prefix="backsight-demo-") as folder:
            fleet, verdicts = _measure(programs / "backsight-vp", Path(folder), record,
                                       _PORTS[options.port])
            reverse = _reverse(programs, Path(folder) / "service", record, fleet)
        _print(options, record, fleet, verdicts, reverse)
        if options.keep:
            _say(_how_to_look_around(record))
            name = ""
    finally:
        if name:
            _take_down(name)
    return 0 if all(v.agrees for v in verdicts) and all(v.agrees for v in reverse) else 1


def _say(text: str) -> None:
    print(f"demo: {text}", file=sys.stderr, flush=True)


def _programs() -> Path:
    folder = Path(os.environ.get("BACKSIGHT_BIN") or _ROOT / "build/release/bin")
    for program in ("backsight-vp", "backsight-controller"):
        if not (folder / program).exists():
            raise FleetError(f"{folder / program} is not there; scripts/build makes it")
    return folder


def _raise_lab(name: str, seed: int | None) -> dict:
    drawn = [] if seed is None else ["--seed", str(seed)]
    if subprocess.run([_LAB, "up", "--name", name, *drawn]).returncode != 0:
        raise FleetError("the lab could not be raised")
    return state.read(name)


def _take_down(name: str) -> None:
    for number in _ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # half a removal helps nobody
    subprocess.run([_LAB, "down", "--name", name], stderr=subprocess.DEVNULL)


def _measure(program: Path, folder: Path, record: dict, port: str) -> tuple[Fleet, list[Verdict]]:
    fleet = Fleet(program, folder, record)
    try:
        started = time.monotonic()
        fleet.start(port)
        _say(f"{len(fleet.vps)} vantage points are up ({time.monotonic() - started:.1f} s)")
        judge, measurements = Judge(Truth(record)), plan(record)
        tasks: dict[str, list[dict]] = {name: [] for name in fleet.vps}
        for it in measurements:
            tasks[it.vp].append(it.task())
        observed = {it.task_id for it in measurements if it.is_spoofed and judge.is_answered(it)}
        _say(f"{len(measurements)} measurements from {len(fleet.vps)} vantage points to "
             f"{len(record['destinations'])} destinations, {len(observed)} spoofed with a reply")
        started = time.monotonic()
        fleet.run(tasks, observed, _MEASURE_SECONDS, lambda done: _say(
            f"{done} of {len(measurements)} are over; the rest waits for silent hosts"))
        _say(f"all are over ({time.monotonic() - started:.1f} s)")
        results, observations = fleet.results.of_task, fleet.results.observations
        return fleet, [judge.judge(it, results.get(it.task_id), observations.get(it.task_id))
                       for it in measurements]
    finally:
        fleet.end()


def _reverse(programs: Path, folder: Path, record: dict, fleet: Fleet) -> list[ReverseVerdict]:
    """From every destination back to the first vantage point, by a controller over a broker."""
    folder.mkdir()
    slowest = AF_PACKET if AF_PACKET in fleet.ports.values() else AF_XDP
    service = BrokerService(programs, folder, record, slowest)
    try:
        started = time.monotonic()
        service.start()
        _say(f"the controller has an atlas for each of {len(record['vps'])} sources "
             f"({time.monotonic() - started:.1f} s)")
        source, judge = record["vps"][0]["node"], ReverseJudge(Truth(record))
        started = time.monotonic()
        paths = service.measure([{"src": source, "dst": destination["address"]}
                                 for destination in record["destinations"]])
        _say(f"{len(paths)} reverse traceroutes ({time.monotonic() - started:.1f} s)")
        return [judge.judge(path) for path in sorted(paths, key=lambda path: path["id"])]
    finally:
        service.end()


def _print(options: argparse.Namespace, record: dict, fleet: Fleet, verdicts: list[Verdict],
           reverse: list[ReverseVerdict]) -> None:
    if options.json:
        print(json.dumps(report.as_json(record, fleet, verdicts)
                         | {"reverse": reverse_report.as_json(reverse)}, indent=1))
        _say(reverse_report.conclusion(verdicts, reverse))
    else:
        ink = report.Ink(sys.stdout.isatty())
        print(report.page(record, fleet, verdicts, ink))
        print(reverse_report.page(record, verdicts, reverse, ink))
    sys.stdout.flush()


def _how_to_look_around(record: dict) -> str:
    name = record["name"]
    source, far = record["vps"][0]["node"], record["destinations"][0]
    return f"""lab {name} stays up. Look around:
  scripts/lab status --name {name}
  scripts/lab exec --name {name} {source} -- ping -R -c 1 {far['address']}
  scripts/lab truth --name {name} {source} {far['node']}
  scripts/lab down --name {name}"""
