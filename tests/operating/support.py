"""What the tests of operating the programs share: where things are, and a running program."""

import functools
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("BACKSIGHT_BIN", ROOT / "build/release/bin"))
PATIENCE_S = 20


def need_program(name="backsight-vp"):
    if not (BIN / name).exists():
        raise unittest.SkipTest(f"no {name} is built in {BIN}; scripts/build makes it")
    return str(BIN / name)


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


def find(pattern, text, flags=0):
    """What the pattern's group has matched; it must be there."""
    match = re.search(pattern, text, flags)
    assert match, f"no {pattern} in: {text}"
    return match[1]


@functools.cache
def packages():
    """The Debian packages of the release build."""
    need_program()
    if not shutil.which("dpkg-deb"):
        raise unittest.SkipTest("no dpkg-deb; this is not Debian")
    folder = ROOT / "build/packages-test"
    done = run(str(ROOT / "scripts/package"), str(folder))
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return sorted(folder.glob("*.deb"))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def eventually(is_so):
    """Asks again and again; False when it was not so within PATIENCE_S."""
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


class RunningProgram:
    """A program that goes away with the test, and its folder."""

    folder: Path
    config: Path
    port: int  # of its metrics

    def start(self, test, program, env=None):
        """Returns once it answers."""
        self.log = self.folder / "said.txt"
        with self.log.open("wb") as said:
            self.process = subprocess.Popen(
                [program, "--config", str(self.config)], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=said, env={**os.environ, **(env or {})})
        test.addCleanup(self.end)
        if not eventually(lambda: self.page("/healthz") is not None):
            raise AssertionError(f"it does not answer: {self.said()}")

    def said(self):
        return self.log.read_text(encoding="utf-8")

    def page(self, path):
        """The page's text, or None."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as page:
                return page.read().decode()
        except OSError:
            return None

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class RunningVp(RunningProgram):
    """A vantage point "tst01" whose packets go nowhere, with its files in a folder of its own."""

    def __init__(self, test, device="net_null0,no-rx=1", extra="", env=None):
        folder = tempfile.TemporaryDirectory(prefix="backsight-test-")
        test.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.port = free_port()
        (self.folder / "fleet.key").write_text("a" * 64 + "\n", encoding="ascii")
        (self.folder / "fleet.key").chmod(0o400)
        cores = sorted(os.sched_getaffinity(0))
        self.config = self.folder / "vp.yaml"
        self.config.write_text(f"""name: tst01
id: 1
ports: [{{device: '{device}', address: 192.0.2.10/24, gateway: 192.0.2.1,
         gateway_mac: '02:00:00:00:00:01'}}]
engine: {{workers: [{cores[-1]}], control: {cores[0]}, idle: adaptive, hugepages: off,
         inflight: 4096, waiting: 4096, traces: 64}}
identity: {{key_file: fleet.key}}
queue: {{url: 'file://{self.folder}/queue'}}
metrics: {{listen: '127.0.0.1:{self.port}'}}
{extra}""", encoding="ascii")
        self.start(test, need_program(), env)


class RunningController(RunningProgram):
    """A controller without vantage points, with its files in a folder of its own."""

    def __init__(self, test, extra=""):
        folder = tempfile.TemporaryDirectory(prefix="backsight-test-")
        test.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.port = free_port()
        self.api_port = free_port()
        self.config = self.folder / "controller.yaml"
        self.config.write_text(f"""listen: 127.0.0.1:{self.api_port}
queue: {{url: 'file://{self.folder}/queue'}}
archive: archive
state: state
metrics: {{listen: '127.0.0.1:{self.port}'}}
{extra}""", encoding="ascii")
        self.start(test, need_program("backsight-controller"))
