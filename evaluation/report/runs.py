"""Runs of backsight-evaluate: one process a world and planner, as many at once as there are cores."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS, BASELINE = "backsight", "reduced"  # planners, as backsight-evaluate names them


class RunError(Exception):
    """A run that did not end well."""


def tell(words: str) -> None:
    print(f"evaluate: {words}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Plan:
    """What is run: each world by each planner, with the same sources, destinations and probes."""

    ases: int
    vantage_points: int
    world_seeds: tuple[int, ...]
    sources: int
    requests: int  # in each world, by each planner
    rate: float  # of them a second, simulated
    jobs: int
    has_baseline: bool = False

    @property
    def planners(self) -> tuple[str, ...]:
        return (OURS, BASELINE) if self.has_baseline else (OURS,)

    def arguments(self, planner: str, world_seed: int) -> list[str]:
        return ["--ases", str(self.ases), "--vantage-points", str(self.vantage_points),
                "--world-seed", str(world_seed), "--seed", str(world_seed),
                "--sources", str(self.sources), "--requests", str(self.requests),
                "--rate", f"{self.rate:g}", *(["--baseline"] if planner == BASELINE else [])]


def program() -> str:
    folder = Path(os.environ.get("BACKSIGHT_BIN") or ROOT / "build/release/bin")
    return str(folder / "backsight-evaluate")


class _Run:
    """One process; what it says goes to files, so that no pipe fills up."""

    def __init__(self, planner: str, world_seed: int, arguments: list[str]):
        self.planner, self.world_seed = planner, world_seed
        self._said, self._result = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        # Below all else on a shared machine; a group of its own, so that Ctrl-C is ours to hand on.
        self._process = subprocess.Popen([program(), *arguments], stdout=self._result,
                                         stderr=self._said, start_new_session=True,
                                         preexec_fn=lambda: os.nice(5))

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().strip().splitlines()
        return lines[-1].removeprefix("evaluate: ") if lines else "building the Internet"

    def result(self) -> dict:
        if self._process.returncode != 0:
            raise RunError(f"{self.planner} in world {self.world_seed} ended with "
                           f"{self._process.returncode}: {self.last_words()}")
        self._result.seek(0)
        return json.load(self._result)

    def stop(self) -> None:
        if not self.has_ended:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


def run_one(plan: Plan, *more: str) -> dict:
    """Our planner in the first world, nothing beside it."""
    seed = plan.world_seeds[0]
    run = _Run(OURS, seed, [*plan.arguments(OURS, seed), *more])
    try:
        told = time.monotonic()
        while not run.has_ended:
            time.sleep(0.05)
            if time.monotonic() - told > 5:
                told = time.monotonic()
                tell(run.last_words())
        return run.result()
    finally:
        run.stop()


def run_all(plan: Plan) -> dict[str, list[dict]]:
    """The results of each planner, world by world."""
    waiting = [(planner, seed) for seed in plan.world_seeds for planner in plan.planners]
    results: dict[str, dict[int, dict]] = {planner: {} for planner in plan.planners}
    running: list[_Run] = []
    told = time.monotonic()
    try:
        while waiting or running:
            while waiting and len(running) < plan.jobs:
                planner, seed = waiting.pop(0)
                running.append(_Run(planner, seed, [*plan.arguments(planner, seed), "--each"]))
            time.sleep(0.05)
            for it in [it for it in running if it.has_ended]:
                running.remove(it)
                results[it.planner][it.world_seed] = it.result()
                tell(f"{it.planner} in world {it.world_seed}: done, {len(waiting) + len(running)} to go")
            if time.monotonic() - told > 5:
                told = time.monotonic()
                for it in running:
                    tell(f"{it.planner} in world {it.world_seed}: {it.last_words()}")
    finally:
        for it in running:
            it.stop()
    return {planner: [by_seed[seed] for seed in plan.world_seeds]
            for planner, by_seed in results.items()}
