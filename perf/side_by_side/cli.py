"""What scripts/bench does."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from . import machine, measure, ours, page, table
from .programs import Place, ProgramError, tell

_EPILOG = """\
Figures that a machine cannot measure (no root, no huge pages) are skipped, and say why. The run
fails if a law that a bench checks is broken or a program fails; a target that is not met is said
and is no failure.

Examples:
  scripts/bench                          everything, about 20 minutes
  scripts/bench --quick                  everything, two short pairs each: what works, not how fast
  scripts/bench --only match,tx/txonly
  scripts/bench --only af_xdp --pairs 9  all whose name begins with af_xdp
  scripts/bench --write                  and docs/performance.md from it
"""


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=_EPILOG,
        description="The benches of backsight-bench and, in the same run and in turn with them, "
                    "testpmd, ZMap, masscan and scamper on the same work.")
    parser.add_argument("--quick", action="store_true", help="short runs, two pairs")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--only", metavar="NAME,...", default="",
                        help="these figures; a name before a slash stands for all behind it")
    parser.add_argument("--list", action="store_true", help="the names, and end")
    parser.add_argument("--pairs", type=int, metavar="N", help="5, or 2 with --quick")
    parser.add_argument("--worker-core", type=int, default=1, metavar="C", help="which sends (1)")
    parser.add_argument("--control-core", type=int, default=0, metavar="C", help="of all else (0)")
    parser.add_argument("--real-time", action="store_true",
                        help="every program before all others of the machine (chrt --fifo 50), if it is "
                             "not quiet; Linux then stops each for up to 5%%, which `pace` shows")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    return parser.parse_args(argv)


def _chooser(only: str, known: list[str]) -> Callable[[str], bool]:
    wanted = [word for word in only.split(",") if word]
    for word in wanted:
        if not any(name == word or name.startswith(word + "/") for name in known):
            raise SystemExit(f"bench: there is no figure {word}; there are {', '.join(known)}")
    return lambda name: not wanted or any(name in (word,) or name.startswith(word + "/")
                                          for word in wanted)


def _as_json(found: measure.Findings, described: dict[str, str], setting: measure.Setting) -> dict:
    return {"machine": described,
            "settings": {"pairs": setting.pairs, "quick": setting.is_quick,
                         "real_time": setting.place.is_real_time, "hugepages": setting.uses_hugepages,
                         "worker_core": setting.place.worker_core,
                         "control_core": setting.place.control_core},
            "figures": [it.as_json() for it in found.comparisons],
            "benches": found.benches, "skipped": found.skipped, "failed": found.failed,
            "broken": found.broken}


def _print(found: measure.Findings) -> None:
    for name, runs in found.benches.items():
        last = runs[-1]
        numbers = ", ".join(f"{key} {table.number(value)}" for key, value in last.items()
                            if isinstance(value, (int, float)) and key != "laws")
        laws, broken = last.get("laws", 0), len(last.get("broken", []))
        print(f"{name}: {numbers}" + (f"; {laws - broken} of {laws} laws hold" if laws else ""))
    if found.comparisons:
        print(("\n" if found.benches else "") + table.terminal(found.comparisons))
    for title, what in (("skipped", found.skipped), ("FAILED", found.failed)):
        for name, reason in what.items():
            print(f"{title}: {name}: {reason}")
    for law in found.broken:
        print(f"BROKEN: {law}")


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main(argv: list[str]) -> int:
    options = _arguments(argv)
    signal.signal(signal.SIGTERM, _stop)  # what was set up is taken down, as with Ctrl-C
    try:
        known = measure.names(ours.available())
        if options.list:
            print("\n".join(known))
            return 0
        chosen = _chooser(options.only, known)
        with machine.Hugepages() as pages:
            if not pages.are_there:
                tell("there are no huge pages to be had: tables and buffers are on small ones")
            place = Place(options.worker_core, options.control_core, options.real_time)
            setting = measure.Setting(place, options.pairs or (2 if options.quick else 5),
                                      options.quick, pages.are_there)
            if max(place.worker_core, place.control_core) >= (os.cpu_count() or 1):
                raise SystemExit(f"bench: this machine has {os.cpu_count()} cores; name others with "
                                 "--worker-core and --control-core")
            found = measure.Measuring(setting, chosen).all()
        described = machine.describe()
        if options.json:
            print(json.dumps(_as_json(found, described, setting), indent=1))
        else:
            _print(found)
        if options.write:
            tell(f"wrote {page.write(found, described, setting)}")
        return 1 if found.broken or found.failed else 0
    except ProgramError as error:
        tell(str(error))
        return 2
    except KeyboardInterrupt:
        tell("stopped; nothing is left running")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
