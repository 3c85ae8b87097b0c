"""backsight-bench: its subcommands, and what they say."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable

from .programs import Place, ProgramError, ours


def subcommands(help_text: str) -> dict[str, str]:
    """Name and purpose of each, as `backsight-bench --help` lists them."""
    block = help_text.partition("Subcommands:")[2].partition("\n\n")[0]
    return {name: " ".join(what.split())
            for name, what in re.findall(r"^  (\S+)[ \t]+((?:.+\n?(?:   .*\n?)*))", block, re.M)}


def available() -> dict[str, str]:
    try:
        done = subprocess.run([ours("backsight-bench"), "--help"], capture_output=True, text=True)
    except FileNotFoundError:
        raise ProgramError("backsight-bench", "is not built; scripts/build makes it") from None
    return subcommands(done.stdout)


# Google Benchmark's: it decides how long, on one core, and has a form of its own.
MICRO = "micro"


def command(bench: str, seconds: float, place: Place, uses_hugepages: bool,
            extra: Iterable[str] = ()) -> list[str]:
    if bench == MICRO:
        return place.under([ours("backsight-bench"), bench, "--json"])
    return place.under([
        ours("backsight-bench"), bench, "--json", "--seconds", f"{seconds:g}", "--worker-core",
        str(place.worker_core), "--control-core", str(place.control_core),
        *(["--hugepages"] if uses_hugepages else []), *extra])


def parse(said: str) -> dict:
    """The one JSON object of a bench, whatever stands before it."""
    for line in reversed(said.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise ProgramError("backsight-bench", "printed no JSON", said)


_NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def parse_micro(said: str) -> dict:
    """Nanoseconds by name, of Google Benchmark's JSON."""
    found = json.loads(said[said.index("{"):])
    return {"bench": MICRO} | {it["name"]: it["cpu_time"] * _NS[it["time_unit"]]
                               for it in found["benchmarks"] if it.get("run_type") != "aggregate"}


def measure(bench: str, seconds: float, place: Place, uses_hugepages: bool,
            extra: Iterable[str] = ()) -> dict:
    """A bench whose laws are broken has an exit code of 1 and names them in `broken`."""
    done = subprocess.run(command(bench, seconds, place, uses_hugepages, extra),
                          capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise ProgramError(f"backsight-bench {bench}", f"failed with {done.returncode}",
                           done.stderr + done.stdout)
    return parse_micro(done.stdout) if bench == MICRO else parse(done.stdout)
