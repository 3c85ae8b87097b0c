"""Runs in simulated worlds, beside RevTr's published figures: see scripts/evaluate."""
import sys

from .cli import main

sys.exit(main(sys.argv[1:]))
