"""The Debian packages hold what they should, and their programs run."""

import gzip
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ROOT, find, packages, run

MAX_EXPOSURE = "40"  # tenths
UNITS = ("backsight-vp.service", "backsight-vp@.service", "backsight-controller.service")
PROGRAMS = {"backsight": "usr/bin/backsight", "backsight-vp": "usr/sbin/backsight-vp",
            "backsight-controller": "usr/sbin/backsight-controller"}


EXAMPLES = {
    "backsight-vp": ("examples/vp.yaml", "examples/deny.txt", "examples/enrolled.yaml",
                     "prometheus/backsight.rules.yml", "grafana/backsight.json"),
    "backsight-controller": ("examples/controller.yaml", "examples/keys.yaml", "examples/deny.txt",
                             "prometheus/backsight-controller.rules.yml"),
}


class PackagesTest(unittest.TestCase):
    root: Path  # of what is unpacked
    files: dict[str, Path]

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="backsight-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        cls.files = {package.name.split("_")[0]: package for package in packages()}
        for package in cls.files.values():
            done = run("dpkg-deb", "--extract", str(package), str(cls.root))
            assert done.returncode == 0, done.stderr

    def field(self, package, name):
        return run("dpkg-deb", "--field", str(self.files[package]), name).stdout.strip()

    def help_of(self, program, *words):
        done = run(str(self.root / program), *words, "--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_there_is_one_for_each_program(self):
        self.assertEqual(set(self.files), set(PROGRAMS))
        for name in self.files:
            self.assertEqual(self.field(name, "Package"), name)

    def test_the_programs_run_and_are_of_the_version_of_the_package(self):
        for name, program in PROGRAMS.items():
            done = run(str(self.root / program), "--version")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.strip(), f"{name} {self.field(name, 'Version')}")

    def test_they_depend_on_libraries_and_on_drivers(self):
        self.assertIn("librte-eal23", self.field("backsight-vp", "Depends"))
        self.assertIn("librte-net-af-packet23", self.field("backsight-vp", "Depends"))
        for name in ("backsight", "backsight-controller"):
            self.assertNotIn("librte", self.field(name, "Depends"))
        # What only the controller uses is not asked of who types a command.
        self.assertIn("libprometheus-cpp-core", self.field("backsight-controller", "Depends"))
        self.assertNotIn("libprometheus", self.field("backsight", "Depends"))

    @unittest.skipUnless(shutil.which("apt-get"), "no apt-get")
    def test_apt_finds_what_they_depend_on(self):
        done = run("apt-get", "--simulate", "-qq", "-o", "Debug::NoLocking=1", "install",
                   *map(str, self.files.values()))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for name in PROGRAMS:
            self.assertIn(f"Inst {name} ", done.stdout)

    def test_the_files_belong_to_root_and_only_root_writes_them(self):
        for package in self.files.values():
            for line in run("dpkg-deb", "--contents", str(package)).stdout.splitlines():
                mode, owner = line.split()[:2]
                self.assertEqual(owner, "root/root", line)
                self.assertEqual((mode[5], mode[8]), ("-", "-"), line)

    def test_the_examples_are_those_of_the_repository(self):
        for package, names in EXAMPLES.items():
            there = self.root / f"usr/share/doc/{package}/examples"
            for name in names:
                self.assertEqual((there / Path(name).name).read_bytes(),
                                 (ROOT / "config" / name).read_bytes())

    def test_the_units_start_what_is_installed(self):
        for unit in UNITS:
            text = (self.root / "lib/systemd/system" / unit).read_text(encoding="utf-8")
            self.assertNotIn("@UNIT", text)
            program = find(r"^ExecStart=(\S+)", text, re.M)
            self.assertTrue((self.root / program.lstrip("/")).exists(), program)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_the_units_are_hardened(self):
        if "--offline" not in run("systemd-analyze", "--help").stdout:
            self.skipTest("systemd-analyze has no --offline here")
        for unit in UNITS:
            done = run("systemd-analyze", "security", "--offline=yes",
                       f"--threshold={MAX_EXPOSURE}",
                       str(self.root / "lib/systemd/system" / unit))
            self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)

    def test_the_man_pages_say_what_help_says(self):
        for name, program in PROGRAMS.items():
            page = f"man1/{name}.1.gz" if name == "backsight" else f"man8/{name}.8.gz"
            packed = (self.root / "usr/share/man" / page).read_bytes()
            text = gzip.decompress(packed).decode().replace("\\-", "-")
            helps = [self.help_of(program)]
            for words in ([["ping"], ["trace"], ["ts"], ["queue", "put"], ["vp", "status"],
                           ["revtr"]] if name == "backsight" else []):
                helps.append(self.help_of(program, *words))
                self.assertIn(f".SS backsight {' '.join(words)} ", text)
            for option in set(re.findall(r"--[a-z][a-z0-9-]+", "\n".join(helps))):
                self.assertIn(option, text)

    @unittest.skipUnless(shutil.which("man"), "no man")
    def test_the_man_pages_are_set_without_a_warning(self):
        for page in (self.root / "usr/share/man").glob("*/*.gz"):
            done = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page))
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)


if __name__ == "__main__":
    unittest.main()
