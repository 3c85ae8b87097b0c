#!/usr/bin/env python3
"""What scripts/test's CTest runs came to, counted by test case.

CTest knows a program or a Python module as one test. What each printed stands in CTest's JUnit file,
and says what its cases did.
"""

import re
import sys
import xml.etree.ElementTree as tree
from dataclasses import dataclass
from pathlib import Path

# GoogleTest's lines, and those of Python's unittest -v; a test's own words may stand before them.
_PASSED = re.compile(r"\[       OK \] \S+ \(\d+ ms\)|(?:\.\.\. |^)ok$", re.M)
_FAILED = re.compile(r"\[  FAILED  \] \S+.* \(\d+ ms\)|(?:\.\.\. |^)(?:FAIL|ERROR)$", re.M)
_SKIPPED = re.compile(r"\[  SKIPPED \] \S+ \(\d+ ms\)|(?:\.\.\. |^)skipped\b", re.M)
_FUZZED = re.compile(r"number_of_executed_units: (\d+)")
_FAULT = re.compile(r"Failure$|FAILED|^(FAIL|ERROR)[: ]|runtime error|Sanitizer", re.M)
_SHOWN_LINES = 40


@dataclass
class Result:
    name: str
    passed: int
    failed: int
    skipped: int
    note: str = ""
    output: str = ""

    def row(self) -> str:
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return f"test: {self.name}: {counts}{self.note}"


def _result(case: tree.Element) -> Result:
    output = case.findtext("system-out") or ""
    name = case.get("name", "?")
    seconds = float(case.get("time", 0))
    has_passed = case.get("status") == "run"
    fuzzed = _FUZZED.search(output)
    if fuzzed and has_passed:
        return Result(name, 1, 0, 0, f" ({fuzzed[1]} inputs)")
    passed, failed, skipped = (len(words.findall(output)) for words in (_PASSED, _FAILED, _SKIPPED))
    # A program that dies, or runs no test, has failed whatever its lines say.
    if not has_passed or passed + skipped == 0:
        failed = max(failed, 1)
    return Result(name, passed, failed, skipped, f" in {seconds:.0f} s", output)


def _results(junit: Path) -> list[Result]:
    try:
        cases = tree.parse(junit).getroot().iter("testcase")
    except (OSError, tree.ParseError) as error:
        return [Result(junit.stem, 0, 1, 0, f" (no results: {error})")]
    return [_result(case) for case in cases]


def _tell(logs: Path, run: str) -> None:
    """A row for each test of a run; of a failed one the whole output into a file, and its heart."""
    for result in _results(logs / f"{run}.xml"):
        print(result.row())
        if not result.failed:
            continue
        log = logs / f"{run}-{result.name}.log"
        log.write_text(result.output)
        lines = result.output.splitlines()
        first = next((i for i, line in enumerate(lines) if _FAULT.search(line)), 0)
        print("\n".join(lines[max(0, first - 2):first + _SHOWN_LINES]))
        print(f"test: all that {result.name} said: {log.relative_to(logs.parent.parent)}")


def _total(logs: Path) -> int:
    results = [result for junit in sorted(logs.glob("*.xml")) for result in _results(junit)]
    builds = [path.stem.replace("-", " ") for path in sorted(logs.glob("build-of-*.failed"))]
    for name in [result.name for result in results if result.failed] + builds:
        print(f"test: FAILED: {name}", file=sys.stderr)
    passed, skipped = sum(r.passed for r in results), sum(r.skipped for r in results)
    failed = sum(r.failed for r in results) + len(builds)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and not failed else 1


def main(arguments: list[str]) -> int:
    match arguments:
        case ["rows", logs, run]:
            _tell(Path(logs), run)
            return 0
        case ["total", logs]:
            return _total(Path(logs))
    print("Usage: scripts/test_results.py rows LOGS RUN | total LOGS", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
