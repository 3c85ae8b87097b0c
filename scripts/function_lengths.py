"""The part of scripts/check that measures functions of C++: prints those that are too long."""

from __future__ import annotations

import json
import subprocess
import sys

MOST_LINES = 70

# Why a function may be longer, by file and name. One that is shorter again is to be struck off.
EXCEPTIONS = {
    ("engine/control/metric_rows.cc", "make_rows"): "a table: an entry for each metric",
    ("controller/backsight_controller.cc", "serve"):
        "opens the controller's parts in the order in which they need each other",
    ("controller/measurement/measurement_probing.cc", "ask_round"):
        "one round's choices, each of which narrows what the next one may ask; not yet in steps",
    ("evaluation/truth.cc", "score"):
        "hops, routers and ASes of one path are counted from the same sets; not yet in steps",
}


def functions() -> list[dict]:
    """Those of the programs, as ctags describes them; not those of tests and benchmarks."""
    sources = subprocess.run(["git", "ls-files", "*.h", "*.cc", ":!tests", ":!perf"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    tags = subprocess.run(["ctags", "--quiet", "--options=NONE", "--output-format=json",
                           "--language-force=C++", "--kinds-C++=f", "--fields=+ne", "-f", "-", "-L",
                           "-"], input=sources, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(line) for line in tags.splitlines()]


def main() -> int:
    faults, needed = [], set()
    for it in functions():
        place, lines = (it["path"], it["name"]), it["end"] - it["line"] + 1
        if lines <= MOST_LINES:
            continue
        needed.add(place)
        if place not in EXCEPTIONS:
            faults.append(f"{it['path']}:{it['line']}: {it['name']} has {lines} lines; "
                          f"{MOST_LINES} at most: what are its steps?")
    faults += [f"{path}: {name} needs no exception any more"
               for path, name in EXCEPTIONS.keys() - needed]
    for fault in sorted(faults):
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
