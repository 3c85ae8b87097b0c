"""backsight-bench: its subcommands, and what they say."""

from __future__ import annotations

import json
import re
import subprocess

from .programs import ProgramError, ours


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


def command(bench: str, seconds: float, place, uses_hugepages: bool, extra=()) -> list[str]:
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


def measure(bench: str, seconds: float, place, uses_hugepages: bool, extra=()) -> dict:
    """A bench whose laws are broken has an exit code of 1 and names them in `broken`."""
    done = subprocess.run(command(bench, seconds, place, uses_hugepages, extra),
                          capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise ProgramError(f"backsight-bench {bench}", f"failed with {done.returncode}",
                           done.stderr + done.stdout)
    return parse(done.stdout)
