"""Programs that are measured: where they are, how they are run, and that none stays."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_GRACE_SECONDS = 10.0


class ProgramError(Exception):
    """A program that did not do its work; `said` is the end of what it printed."""

    def __init__(self, program: str, what: str, said: str = ""):
        tail = "\n".join(said.strip().splitlines()[-8:])
        super().__init__(f"{program} {what}" + (f"; it said:\n{tail}" if tail else ""))


@dataclass(frozen=True)
class Place:
    """Where programs run: the core that sends, the core of all else, and how urgent they are."""

    worker_core: int
    control_core: int
    is_real_time: bool = False

    def under(self, command: list[str]) -> list[str]:
        return ["chrt", "--fifo", "50", *command] if self.is_real_time else command


def tell(words: str) -> None:
    print(f"bench: {words}", file=sys.stderr, flush=True)


def folder() -> Path:
    return Path(os.environ.get("BACKSIGHT_BIN") or ROOT / "build/release/bin")


def ours(name: str) -> str:
    return str(folder() / name)


def missing(*names: str) -> list[str]:
    return [name for name in names if not shutil.which(name)]


class Running:
    """A program under way, with what it says in a file. Leaving the block ends it."""

    def __init__(self, command: list[str]):
        self._said = tempfile.TemporaryFile()
        self.name = Path(command[0]).name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self._said,
                                        stderr=subprocess.STDOUT)
        assert self.process.stdin
        self._input = self.process.stdin

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.end("kill")
        self._said.close()

    @property
    def said(self) -> str:
        end = os.fstat(self._said.fileno()).st_size
        return os.pread(self._said.fileno(), end, 0).decode(errors="replace")

    def wait_for(self, seconds: float) -> bool:
        """Whether it still runs after so long."""
        try:
            self.process.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            return True

    def end(self, how: str) -> None:
        """By the end of its `input`, an `interrupt`, or `kill`."""
        if how == "input":
            self._input.close()
        if self.process.poll() is None and how != "input":
            self.process.send_signal(signal.SIGINT if how == "interrupt" else signal.SIGKILL)
        if self.wait_for(_GRACE_SECONDS):
            self.process.kill()
            self.process.wait()
        if not self._input.closed:
            self._input.close()


def run_for(command: list[str], seconds: float, how: str) -> str:
    """What a program said that is ended after so long."""
    with Running(command) as running:
        running.wait_for(seconds)
        running.end(how)
        return running.said


def run(command: list[str], what: str, **options: Any) -> str:
    """Standard output of a program that ends by itself."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise ProgramError(what, f"failed with {done.returncode}", done.stderr + done.stdout)
    return done.stdout


def wait_until(is_so: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
