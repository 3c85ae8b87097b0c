#!/usr/bin/env python3
"""Writes a program's man page from what its --help says, subcommands and all.

Usage: man_page.py PROGRAM SECTION FILE
"""
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TABLES = ("Positionals", "Options", "Subcommands")
EXITS = "Exit codes"
FILES = {
    "backsight-vp": [
        ("/etc/backsight/vp.yaml", "what the unit backsight-vp.service runs"),
        ("/etc/backsight/NAME.yaml", "what the unit backsight-vp@NAME.service runs"),
        ("/usr/share/doc/backsight-vp/examples/", "one of each file that a config names"),
    ],
    "backsight-controller": [
        ("/etc/backsight/controller.yaml", "what the unit backsight-controller.service runs"),
        ("/var/lib/backsight/controller/", "requests and their ends"),
        ("/var/lib/backsight/archive/", "every measurement, in M-Lab's form"),
        ("/usr/share/doc/backsight-controller/examples/", "one of each file that a config names"),
    ],
    "backsight": [("/var/lib/backsight", "the queue, unless --queue or BACKSIGHT_QUEUE name another")],
}
SEE_ALSO = {"backsight-vp": "backsight(1), backsight-controller(8)",
            "backsight-controller": "backsight(1), backsight-vp(8)",
            "backsight": "backsight-vp(8), backsight-controller(8)"}


@dataclass
class Help:
    """One --help: its sentence, its usage, its tables of (word, meaning), and what follows."""

    about: str = ""
    usage: str = ""
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)


def run(program: str, *words: str) -> str:
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def add_row(rows: list[list[str]], line: str) -> None:
    """A row of a table, or what goes on from the row before."""
    begins = re.match(r"  (\S.*?)(?:\s{2,}(.*))?$", line)
    if begins and not line.startswith("     "):
        rows.append([begins[1], begins[2] or ""])
    elif rows:
        rows[-1][1] = f"{rows[-1][1]} {line.strip()}".strip()


def read_help(text: str) -> Help:
    told = Help()
    block = "about"
    for line in text.splitlines():
        title = re.match(r"([A-Z][A-Za-z ]+):(?: (.*))?$", line)
        if block == "about" and not (title and title[1] == "Usage"):
            told.about = f"{told.about} {line.strip()}".strip()
        elif title and title[1] == "Usage":
            told.usage, block = title[2], "usage"
        elif title and title[1] in TABLES:
            block = title[1]
            told.tables[block] = []
        elif title and title[1] == "Examples":
            block = "examples"
        elif title:
            block = "paragraph"
            told.paragraphs.append(line)
        elif block in TABLES and line.strip():
            add_row(told.tables[block], line)
        elif block == "examples" and line.strip():
            told.examples.append(line[2:])
        elif block == "paragraph" and line.strip():
            told.paragraphs[-1] += " " + line.strip()
    return told


def roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def rows_roff(rows: Iterable[Sequence[str]]) -> str:
    return "".join(f".TP\n\\fB{roff(word)}\\fR\n{roff(meaning)}\n" for word, meaning in rows)


def examples_roff(lines: list[str]) -> str:
    return ".PP\n.nf\n" + "".join(roff(line) + "\n" for line in lines) + ".fi\n" if lines else ""


def options_of(told: Help, is_top: bool) -> list[list[str]]:
    """A subcommand's page need not say again what --help is."""
    rows = told.tables.get("Options", [])
    return rows if is_top else [row for row in rows if not row[0].startswith("-h")]


def commands_roff(program: str, told: Help, words: tuple[str, ...] = ()) -> str:
    text = ""
    for name, _ in told.tables.get("Subcommands", []):
        path = (*words, name)
        below = read_help(run(program, *path, "--help"))
        if "Subcommands" not in below.tables:
            text += f".SS {roff(below.usage)}\n{roff(below.about)}.\n"
            text += rows_roff(below.tables.get("Positionals", []) + options_of(below, False))
            text += examples_roff(below.examples)
        text += commands_roff(program, below, path)
    return text


def page(program: str, section: str) -> str:
    name = Path(program).name
    told = read_help(run(program, "--help"))
    version = run(program, "--version").split()[-1]
    about = told.about[0].lower() + told.about[1:].rstrip(".")
    text = f'.\\" Written from {name} --help.\n'
    text += f'.TH {name.upper()} {section} "" "{name} {version}" "Backsight"\n'
    text += f".SH NAME\n{name} \\- {roff(about.split(':')[0])}\n"
    text += f".SH SYNOPSIS\n\\fB{roff(told.usage)}\\fR\n"
    text += f".SH DESCRIPTION\n{roff(told.about.rstrip('.'))}.\n"
    for paragraph in told.paragraphs:
        if not paragraph.startswith(EXITS):
            text += f".PP\n{roff(paragraph)}\n"
    text += ".SH OPTIONS\n" + rows_roff(options_of(told, True))
    if "Subcommands" in told.tables:
        text += ".SH COMMANDS\n" + commands_roff(program, told)
    if told.examples:
        text += ".SH EXAMPLES\n" + examples_roff(told.examples)
    for paragraph in told.paragraphs:
        if paragraph.startswith(EXITS):
            text += f'.SH "EXIT STATUS"\n{roff(paragraph.split(": ", 1)[1])}\n'
    text += ".SH FILES\n" + rows_roff(FILES.get(name, []))
    return text + f'.SH "SEE ALSO"\n{SEE_ALSO.get(name, "")}\n'


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    Path(sys.argv[3]).parent.mkdir(parents=True, exist_ok=True)
    Path(sys.argv[3]).write_text(page(sys.argv[1], sys.argv[2]), encoding="utf-8")


if __name__ == "__main__":
    main()
