"""The record of a lab on disk: /run/backsight-lab/<name>/, written before the first namespace.

Whatever happened to `up`, the record names every namespace that `down` has to remove. An exclusive
lock on the folder is held while a lab goes up or down. Children inherit it, so that `down` also
waits for those that a killed `up` left running.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path("/run/backsight-lab")
NETNS = Path("/run/netns")


class LabError(Exception):
    """A sentence for the user, and the exit code it deserves."""

    def __init__(self, sentence: str, exit_code: int = 1):
        super().__init__(sentence)
        self.exit_code = exit_code


def folder(name: str) -> Path:
    return ROOT / name


def names() -> list[str]:
    return sorted(path.name for path in ROOT.iterdir()) if ROOT.is_dir() else []


def namespace(lab: str, node: str) -> str:
    return f"{lab}-{node}"


def claim(name: str) -> None:
    """Makes the lab's folder, and so the name ours."""
    try:
        folder(name).mkdir(parents=True)
    except FileExistsError:
        raise LabError(f"a lab named {name} is already there; remove it with: scripts/lab down "
                       f"--name {name}, or raise another with: scripts/lab up --name OTHER", 2)


@contextmanager
def locked(name: str) -> Iterator[int]:
    """Holds the lab's lock; yields its file descriptor."""
    try:
        descriptor = os.open(folder(name), os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise LabError(f"lab {name} was removed meanwhile")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def is_current(name: str, descriptor: int) -> bool:
    """Whether the locked folder is still the one of that name: it may have gone while we waited."""
    try:
        return os.path.samestat(os.stat(folder(name)), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def write(name: str, record: dict, extra_files: dict[str, str]) -> None:
    for file_name, text in extra_files.items():
        (folder(name) / file_name).write_text(text)
    temporary = folder(name) / "lab.json.new"
    temporary.write_text(json.dumps(record, indent=1) + "\n")
    temporary.replace(folder(name) / "lab.json")


def read(name: str) -> dict:
    """The record of a lab that is up, or an explanation of how to have one."""
    if not folder(name).is_dir():
        others = f" (up are: {', '.join(names())})" if names() else ""
        raise LabError(f"no lab named {name} is up{others}; raise it with: scripts/lab up "
                       f"--name {name}")
    try:
        record = json.loads((folder(name) / "lab.json").read_text())
    except FileNotFoundError:
        record = {"state": "starting"}
    if record["state"] != "up":
        raise LabError(f"lab {name} is only half up; wait for its `up`, or remove it with: "
                       f"scripts/lab down --name {name}")
    return record


def recorded_namespaces(name: str) -> list[str]:
    """Every namespace the lab may have made; empty if it did not come that far."""
    try:
        return json.loads((folder(name) / "lab.json").read_text())["namespaces"]
    except FileNotFoundError:
        return []


def remove(name: str) -> None:
    shutil.rmtree(folder(name), ignore_errors=True)
    try:
        ROOT.rmdir()  # only succeeds after the last lab
    except OSError:
        pass
