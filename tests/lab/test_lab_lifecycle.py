"""Labs come up, stand side by side, and leave nothing behind, however they end."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAB = str(ROOT / "scripts/lab")
NAME = f"test-life-{os.getpid()}"
SECONDS_TO_BE_UP = 5.0


def setUpModule():
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "nft", "ethtool"))):
        raise unittest.SkipTest("needs root, ip, nft and ethtool")


def lab(*arguments):
    return subprocess.run([LAB, *arguments], capture_output=True, text=True, timeout=30)


def namespaces(name=NAME):
    folder = Path("/run/netns")
    return [p.name for p in folder.glob(f"{name}-*")] if folder.is_dir() else []


class LabLife(unittest.TestCase):
    def setUp(self):
        self.addCleanup(self.check_nothing_is_left)
        self.names = [NAME]

    def check_nothing_is_left(self):
        for name in self.names:
            lab("down", "--name", name)
        self.assertEqual(namespaces(), [])
        self.assertEqual([n for n in self.names if Path("/run/backsight-lab", n).exists()], [])

    def up(self, *options, name=NAME):
        done = lab("up", "--name", name, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(lab("status", "--json", "--name", name).stdout)

    def test_is_up_in_a_few_seconds(self):
        started = time.monotonic()
        record = self.up()
        self.assertLess(time.monotonic() - started, SECONDS_TO_BE_UP)
        self.assertEqual(sorted(record["namespaces"]), sorted(namespaces()))

    def test_raises_a_name_only_once_and_says_what_to_do(self):
        self.up()
        again = lab("up", "--name", NAME)
        self.assertEqual(again.returncode, 2)
        self.assertIn(f"scripts/lab down --name {NAME}", again.stderr)
        self.assertEqual(lab("status", "--name", NAME).returncode, 0)

    def test_stands_beside_labs_that_go_up_at_the_same_moment(self):
        self.names = [f"{NAME}-{i}" for i in range(4)]
        rising = [subprocess.Popen([LAB, "up", "--name", name, "--seed", str(i)],
                                   stderr=subprocess.DEVNULL)
                  for i, name in enumerate(self.names)]
        self.assertEqual([process.wait() for process in rising], [0] * 4)
        for name in self.names:
            record = json.loads(lab("status", "--json", "--name", name).stdout)
            pinged = lab("exec", "--name", name, "vp1", "--", "ping", "-c", "1", "-W", "2",
                         record["vps"][1]["address"])
            self.assertEqual(pinged.returncode, 0, pinged.stdout)

    def test_makes_no_interface_outside_its_namespaces(self):
        self.up()
        ours = [n for n in os.listdir("/sys/class/net") if n.startswith(("to-", "tun-"))]
        self.assertEqual(ours, [])

    def test_removes_everything_when_interrupted_while_going_up(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for least in (1, 25):
                process = self.up_until(least)
                process.send_signal(number)
                process.communicate()
                if process.returncode != 0:  # otherwise it was up before the signal came
                    self.assertEqual(namespaces(), [])
                lab("down", "--name", NAME)

    def test_is_removed_by_down_after_a_killed_up(self):
        for least in (1, 20, 30):
            process = self.up_until(least)
            process.kill()
            process.communicate()
            self.assertEqual(lab("down", "--name", NAME).returncode, 0)
            self.assertEqual(namespaces(), [])

    def up_until(self, least):
        """A lab on its way up that has made at least so many namespaces."""
        process = subprocess.Popen([LAB, "up", "--name", NAME], stderr=subprocess.PIPE)
        while len(namespaces()) < least and process.poll() is None:
            time.sleep(0.001)
        return process

    def test_ends_the_processes_in_its_namespaces_even_stubborn_ones(self):
        self.up()
        stubborn = subprocess.Popen([LAB, "exec", "--name", NAME, "vp1", "--", "sh", "-c",
                                     "trap '' TERM; echo ready; while :; do sleep 0.1; done"],
                                    stdout=subprocess.PIPE, text=True)
        assert stubborn.stdout
        self.assertEqual(stubborn.stdout.readline(), "ready\n")
        lab("down", "--name", NAME)
        self.assertEqual(stubborn.wait(timeout=5), -signal.SIGKILL)
        stubborn.stdout.close()

    def test_gives_the_exit_code_of_what_it_executes(self):
        self.up()
        done = lab("exec", "--name", NAME, "e1", "--", "sh", "-c", "exit 7")
        self.assertEqual(done.returncode, 7)

    def test_refuses_unknown_nodes_and_names_with_exit_code_2(self):
        self.up()
        for wrong in (["exec", "--name", NAME, "nobody", "--", "true"],
                      ["truth", "--name", NAME, "vp1", "nobody"],
                      ["truth", "--name", NAME, "vp1", "192.0.2.1"],
                      ["truth", "--name", NAME, "vp1", "far", "--flow", "1:many"],
                      ["up", "--name", "Wrong_Name"]):
            refused = lab(*wrong)
            self.assertEqual(refused.returncode, 2, wrong)
            self.assertNotEqual(refused.stderr, "")
            self.assertNotIn("Traceback", refused.stderr)

    def test_leaves_bare_vantage_points_without_address_and_still_knows_the_truth(self):
        record = self.up("--bare-vps")
        for vp in record["vps"]:
            shown = lab("exec", "--name", NAME, vp["node"], "--", "ip", "-4", "-br", "address",
                        "show", "dev", "eth0").stdout
            self.assertEqual(shown, "")
        answer = json.loads(lab("truth", "--name", NAME, "vp1", "vp2", "--json").stdout)
        self.assertEqual(answer["dst"]["address"], record["vps"][1]["address"])
        self.assertGreater(len(answer["forward"][0]), 0)

    def test_says_so_when_there_is_nothing_to_take_down(self):
        done = lab("down", "--name", NAME)
        self.assertEqual(done.returncode, 0)
        self.assertIn("nothing to do", done.stderr)


if __name__ == "__main__":
    unittest.main()
