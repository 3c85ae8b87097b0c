"""The commands of scripts/lab."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable

from lab import kernel, namespaces, record, state, truth
from lab.addressing import Addressing
from lab.seeded import seeded_topology
from lab.standard import standard_topology
from lab.state import LabError

DEFAULT_NAME = "lab"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")

_EXAMPLES = """examples:
  scripts/lab up                            the standard lab
  scripts/lab up --name two --seed 7        another one beside it, drawn from seed 7
  scripts/lab status                        who is in it, and with which addresses
  scripts/lab exec vp4 -- ping -R -c 1 198.18.105.10
  scripts/lab truth vp1 far                 the ways there and back, from the routing tables
  scripts/lab truth vp1 far --flow 33434:33435
  scripts/lab truth vp1 far --spoof-from vp4
  scripts/lab down                          or: down --name two, down --all

exit codes: 0 done, 1 failed while running, 2 bad usage; exec: those of the command"""


class Interrupted(Exception):
    """A signal asked us to stop."""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return error.exit_code
    except Interrupted:
        print("lab: interrupted; everything is removed again", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/lab", epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="An Internet of Linux routers in network namespaces.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int],
                text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        sub.add_argument("--name", type=_name, default=DEFAULT_NAME,
                         help=f"which lab (default: {DEFAULT_NAME})")
        return sub

    up = command("up", _up, "raise a lab")
    up.add_argument("--seed", type=int, metavar="N",
                    help="draw the lab from this seed (default: the standard lab)")
    up.add_argument("--bare-vps", action="store_true",
                    help="leave eth0 of the vantage points without address: their program answers")
    down = command("down", _down, "remove a lab and end what runs in it")
    down.add_argument("--all", action="store_true", help="every lab on this machine")
    status = command("status", _status, "what is in a lab, with addresses")
    status.add_argument("--json", action="store_true", help="the same for programs, and more")
    execute = command("exec", _exec, "run a command in a node: exec [--name NAME] NODE -- COMMAND")
    execute.add_argument("node")
    execute.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    _add_truth_options(command("truth", _truth, "the true ways from SRC to DST and back"))
    return parser


def _add_truth_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("src", help="node or address")
    parser.add_argument("dst", help="node or address")
    parser.add_argument("--spoof-from", metavar="VP",
                        help="the probe leaves VP with the source address of SRC")
    branches = parser.add_mutually_exclusive_group()
    branches.add_argument("--flow", metavar="SPORT:DPORT", type=_flow,
                          help="only the equal-cost branch of this flow: 33434:33435 (UDP), "
                               "tcp:4000:80, or icmp")
    branches.add_argument("--all", action="store_true", help="all branches (the default)")
    parser.add_argument("--json", action="store_true", help="for programs")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r}: small letters, digits and -, at most 40")
    return text


def _flow(text: str) -> kernel.Flow:
    try:
        return kernel.parse_flow(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: say 33434:33435, tcp:4000:80 or icmp")


def _up(options: argparse.Namespace) -> int:
    started = time.monotonic()
    name = options.name
    topology = standard_topology() if options.seed is None else seeded_topology(options.seed)
    addressing = Addressing(topology)
    _interrupt_on_signals()
    state.claim(name)
    with state.locked(name) as lock:
        try:
            plan = record.of(name, addressing, options.seed, options.bare_vps)
            _refuse_foreign_namespaces(plan["namespaces"])
            state.write(name, plan, record.extra_files(plan))
            namespaces.Builder(name, addressing, options.bare_vps, lock).raise_all()
            state.write(name, plan | {"state": "up"}, {})
        except BaseException:
            _ignore_signals()
            _remove(name)
            raise
    print(f"lab {name} is up: {len(topology.routers)} routers in {len(topology.as_names)} ASes, "
          f"{len(topology.vps())} vantage points, {len(topology.destinations())} destinations "
          f"({time.monotonic() - started:.1f} s)", file=sys.stderr)
    return 0


def _refuse_foreign_namespaces(planned: list[str]) -> None:
    taken = [ns for ns in planned if (state.NETNS / ns).exists()]
    if taken:
        raise LabError(f"namespace {taken[0]} exists and is not ours; choose another --name", 2)


def _interrupt_on_signals() -> None:
    def interrupt(_number: int, _frame: object) -> None:
        raise Interrupted

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _remove(name: str) -> None:
    namespaces.remove_all(state.recorded_namespaces(name))
    state.remove(name)


def _down(options: argparse.Namespace) -> int:
    chosen = state.names() if options.all else [options.name]
    _ignore_signals()  # half a removal helps nobody, and the whole takes a second
    for name in chosen:
        if not state.folder(name).is_dir():
            print(f"lab: no lab named {name} is there; nothing to do", file=sys.stderr)
            continue
        with state.locked(name) as lock:
            if state.is_current(name, lock):
                _remove(name)
        print(f"lab {name} is down", file=sys.stderr)
    return 0


def _status(options: argparse.Namespace) -> int:
    lab = state.read(options.name)
    print(json.dumps(lab, indent=1) if options.json else record.table(lab))
    return 0


def _exec(options: argparse.Namespace) -> int:
    lab = state.read(options.name)
    node = record.node(lab, options.node)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise LabError("no command; say: scripts/lab exec NODE -- COMMAND...", 2)
    os.execvp("ip", ["ip", "netns", "exec", node["namespace"], *command])


def _truth(options: argparse.Namespace) -> int:
    answer = truth.Truth(state.read(options.name)).answer(
        options.src, options.dst, options.spoof_from or "", options.flow)
    print(json.dumps(answer, indent=1) if options.json else truth.text(answer))
    return 0
