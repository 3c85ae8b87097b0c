"""The packages installed and their units run by a real systemd with its journal, on a throw-away
copy of this machine (machine/boot)."""

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import eventually, find, packages

BOOT = Path(__file__).resolve().parent / "machine/boot"
NAMESPACES = ("--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup")
CGROUPS = Path("/sys/fs/cgroup")
TOOLS = ("unshare", "nsenter", "systemctl", "journalctl", "ip", "dpkg", "adduser")
CONFIG = """
name: {name}
id: {port}
ports: [{{device: '{device}', address: 192.0.2.10/24, gateway: 192.0.2.1}}]
engine: {{workers: [{worker}], control: {control}, idle: adaptive, hugepages: off, inflight: 4096,
         telemetry: true}}
identity: {{key_file: fleet.key}}
queue: {{url: 'file:///var/lib/backsight'}}
metrics: {{listen: '127.0.0.1:{port}'}}
capture: {{socket: '/run/{runtime}/capture.sock'}}
"""
CONTROLLER = """
queue: {url: 'file:///var/lib/backsight'}
keys: keys.yaml
"""
PTRACE_ATTACH = 16
WALL = 0x40000000  # of waitpid: threads too


def cgroups():
    return {path for path in CGROUPS.glob("**/") if path.is_dir()}


class Machine:
    """A booted copy of this machine, and a way to run something on it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="backsight-machine-")
        self.cgroups = cgroups()
        self.log = open(f"{self.folder}.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            ["unshare", *NAMESPACES, "--fork", "--kill-child", str(BOOT), self.folder,
             *map(str, packages())],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)

    def init(self):
        """Process 1 of the machine, as this one numbers it; None before there is one."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        pids = children.read_text().split() if children.exists() else []
        return pids[0] if pids else None

    def run(self, *command, text=None):
        enter = ["nsenter", "--target", self.init(), "--root", "--wd", *NAMESPACES]
        return subprocess.run([*enter, *command], input=text, capture_output=True, text=True,
                              timeout=60, check=False)

    def said(self):
        """What it wrote to its console."""
        return Path(self.log.name).read_text(encoding="utf-8")

    def is_up(self):
        if self.process.poll() is not None:
            raise unittest.SkipTest(f"no machine can be booted here: {self.said()[-600:]}")
        return self.init() and self.run("systemctl", "is-active", "machine.target").returncode == 0

    def end(self):
        if self.init():
            os.kill(int(self.init()), signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.log.close()
        os.unlink(self.log.name)
        os.rmdir(self.folder)
        # The last process of a group may still be on its way out.
        eventually(self.removes_cgroups)

    def removes_cgroups(self):
        for path in sorted(cgroups() - self.cgroups, key=lambda it: -len(it.parts)):
            with contextlib.suppress(OSError):
                path.rmdir()
        return cgroups() <= self.cgroups


class MachineTest(unittest.TestCase):
    machine: Machine

    @classmethod
    def setUpClass(cls):
        missing = [tool for tool in TOOLS if not shutil.which(tool)]
        if os.geteuid() != 0 or missing:
            raise unittest.SkipTest(f"needs root and {', '.join(missing) or 'nothing else'}")
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.end)
        if not eventually(cls.machine.is_up):
            raise AssertionError("the machine does not come up")
        made = cls.machine.run("sh", "-ec", "backsight keygen /etc/backsight/fleet.key;"
                               "chown backsight: /etc/backsight/fleet.key")
        assert made.returncode == 0, made.stderr

    def configure(self, name, device, port):
        cores = sorted(os.sched_getaffinity(0))
        runtime = "backsight-vp" if name == "vp" else f"backsight-vp-{name}"
        text = CONFIG.format(name=name, device=device, port=port, worker=cores[-1],
                             control=cores[0], runtime=runtime)
        self.machine.run("tee", f"/etc/backsight/{name}.yaml", text=text)

    def sh(self, command):
        done = self.machine.run("sh", "-ec", command)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def show(self, unit, *properties):
        told = self.sh(f"systemctl show -p {','.join(properties)} {unit}")
        return dict(line.split("=", 1) for line in told.splitlines())

    def journal(self, unit):
        lines = self.sh(f"journalctl --no-pager -o json -u {unit}").splitlines()
        return [json.loads(line) for line in lines]

    def start(self, unit):
        self.addCleanup(self.machine.run, "systemctl", "stop", unit)
        started = self.machine.run("systemctl", "start", unit)
        self.assertEqual(started.returncode, 0, started.stderr + self.sh(
            f"journalctl --no-pager -u {unit} | tail -n 20"))

    def test_the_service_runs_with_little_and_tells_what_it_does(self):
        self.configure("vp", "net_af_packet0,iface=neta", 9464)
        self.start("backsight-vp")
        shown = self.show("backsight-vp", "MainPID", "ActiveState")
        self.assertEqual(shown["ActiveState"], "active")
        status = self.sh(f"cat /proc/{shown['MainPID']}/status")
        self.assertNotEqual(find(r"^Uid:\s+(\d+)", status, re.M), "0")
        # NET_ADMIN 12, NET_RAW 13, IPC_LOCK 14 of capabilities(7).
        self.assertEqual(int(find(r"^CapEff:\s+(\S+)", status, re.M), 16), 0b111 << 12)
        self.assertTrue(eventually(lambda: "does not answer ARP; 0 probes/s" in self.show(
            "backsight-vp", "StatusText")["StatusText"]))
        self.assertIn("gateway", self.sh("curl -s http://127.0.0.1:9464/readyz"))
        begin = self.sh("backsight vp capture --seconds 1 | od -An -tx1 -N4")
        self.assertEqual(begin.split(), ["0a", "0d", "0d", "0a"])
        self.sh("systemctl reload backsight-vp")
        reloaded = [it for it in self.journal("backsight-vp")
                    if it["MESSAGE"].startswith("reloaded: rates as before")]
        self.assertEqual([it["PRIORITY"] for it in reloaded], ["6"])
        self.assertTrue(eventually(lambda: [
            it for it in self.journal("backsight-vp")
            if "does not answer ARP" in it["MESSAGE"] and it["PRIORITY"] == "4"]))
        self.sh("systemctl stop backsight-vp")
        self.assertEqual(self.show("backsight-vp", "Result")["Result"], "success")

    def test_tasks_are_put_and_results_taken_as_its_user(self):
        self.configure("vp", "net_af_packet0,iface=neta", 9464)
        self.start("backsight-vp")
        self.sh("""echo '{"id":7,"kind":"ping","dst":"192.0.2.77","timeout_ms":50}' |
                   runuser -u backsight -- backsight queue put --vp vp""")
        got = []

        def has_come():
            got.extend(self.sh("runuser -u backsight -- backsight queue get --idle-ms 500")
                       .splitlines())
            return bool(got)

        self.assertTrue(eventually(has_come))
        self.assertEqual([json.loads(line)["task"] for line in got], [7])
        self.assertIn("not_ready", self.sh("runuser -u backsight -- backsight vp list"))

    def test_the_controller_runs_with_nothing_and_keeps_what_it_accepted(self):
        self.configure("vp", "net_af_packet0,iface=neta", 9464)
        self.start("backsight-vp")
        self.machine.run("tee", "/etc/backsight/controller.yaml", text=CONTROLLER)
        self.sh("""echo 'keys: [{key: "0123456789abcdef0123", user: alice}]' > /etc/backsight/keys.yaml
                   chown backsight: /etc/backsight/keys.yaml; chmod 0400 /etc/backsight/keys.yaml""")
        self.start("backsight-controller")
        shown = self.show("backsight-controller", "MainPID", "ActiveState")
        self.assertEqual(shown["ActiveState"], "active")
        status = self.sh(f"cat /proc/{shown['MainPID']}/status")
        self.assertNotEqual(find(r"^Uid:\s+(\d+)", status, re.M), "0")
        self.assertEqual(int(find(r"^CapEff:\s+(\S+)", status, re.M), 16), 0)
        ask = "curl -s -H 'Revtr-Key: {key}' http://127.0.0.1:8080/api/v1/"
        mine = ask.format(key="0123456789abcdef0123")
        self.assertTrue(eventually(lambda: '"hostname":"vp"' in self.sh(f"{mine}sources")))
        self.assertIn("unknown_key", self.sh(ask.format(key="x" * 20) + "sources"))
        self.assertIn("under way", self.show("backsight-controller", "StatusText")["StatusText"])
        self.sh("""echo 'keys: [{key: "fedcba9876543210fedc", user: alice}]' > /etc/backsight/keys.yaml
                   systemctl reload backsight-controller""")
        self.assertTrue(eventually(lambda: "unknown_key" in self.sh(f"{mine}sources")))
        self.sh("systemctl stop backsight-controller")
        self.assertEqual(self.show("backsight-controller", "Result")["Result"], "success")

    def test_several_run_side_by_side_on_any_interface(self):
        self.configure("one", "net_af_packet0,iface=neta", 9471)
        self.configure("two", "net_af_xdp0,iface=netb", 9472)
        self.configure("three", "net_tap0,iface=tapa", 9473)
        self.sh("""folder=/etc/systemd/system/backsight-vp@two.service.d; mkdir -p $folder
                   cp /usr/share/doc/backsight-vp/examples/af-xdp.conf $folder/
                   systemctl daemon-reload""")
        self.start("backsight-vp@one")
        self.start("backsight-vp@two")
        self.start("backsight-vp@three")
        for name in ("one", "two", "three"):
            answer = self.sh(f"""echo /backsight/status |
                RUNTIME_DIRECTORY=/run/backsight-vp-{name} dpdk-telemetry.py -f backsight-{name}""")
            self.assertIn(f'"vp": "{name}"', answer)

    def test_a_worker_that_stands_still_gets_the_process_restarted(self):
        self.configure("vp", "net_af_packet0,iface=neta", 9464)
        self.sh("""mkdir -p /run/units/backsight-vp.service.d
                   printf '[Service]\\nWatchdogSec=3s\\nRestartSec=1s\\n' \
                     > /run/units/backsight-vp.service.d/soon.conf
                   systemctl daemon-reload""")
        self.addCleanup(self.sh, "rm -r /run/units/backsight-vp.service.d; systemctl daemon-reload")
        self.start("backsight-vp")
        first = self.show("backsight-vp", "MainPID")["MainPID"]
        # As this machine numbers it, for ptrace.
        inside = {path.read_text().split("NSpid:")[1].splitlines()[0].split()[-1]: path.parent
                  for path in Path("/proc").glob("[0-9]*/status")
                  if "NSpid:" in path.read_text() and "backsight-vp" in path.read_text()}
        task = next(it for it in (inside[first] / "task").iterdir()
                    if "worker" in (it / "comm").read_text())
        libc = ctypes.CDLL(None, use_errno=True)
        self.assertEqual(libc.ptrace(PTRACE_ATTACH, int(task.name), None, None), 0)
        os.waitpid(int(task.name), WALL)
        stopped_at = time.monotonic()
        ends = set()

        def is_restarted():
            # Who holds a thread must see its end, or the process cannot end.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(int(task.name), os.WNOHANG | WALL)
            shown = self.show("backsight-vp", "NRestarts", "Result")
            ends.add(shown["Result"])
            return shown["NRestarts"] != "0"

        self.assertTrue(eventually(is_restarted))
        self.assertGreater(time.monotonic() - stopped_at, 5)
        self.assertTrue(eventually(
            lambda: self.show("backsight-vp", "ActiveState")["ActiveState"] == "active"))
        self.assertIn("watchdog", ends)

    def test_an_upgrade_restarts_what_runs_and_a_removal_stops_it(self):
        self.configure("vp", "net_af_packet0,iface=neta", 9464)
        self.configure("one", "net_af_packet0,iface=netb", 9471)
        units = ("backsight-vp", "backsight-vp@one")
        for unit in units:
            self.start(unit)
        before = [self.show(unit, "MainPID")["MainPID"] for unit in units]
        self.sh("dpkg --install /tmp/backsight-vp_*.deb")
        for unit, pid in zip(units, before):
            self.assertTrue(eventually(lambda unit=unit: self.show(
                unit, "ActiveState")["ActiveState"] == "active"))
            self.assertNotEqual(self.show(unit, "MainPID")["MainPID"], pid)
        self.sh("dpkg --remove backsight-vp")
        self.addCleanup(self.sh, "dpkg --install /tmp/backsight-vp_*.deb")
        for unit in units:
            self.assertEqual(self.show(unit, "MainPID")["MainPID"], "0")
        self.assertNotEqual(self.machine.run("test", "-e", "/usr/sbin/backsight-vp").returncode, 0)
        self.sh("test -e /etc/backsight/fleet.key && test -d /var/lib/backsight/one")


if __name__ == "__main__":
    unittest.main()
