"""`python3 -m demo`, what scripts/demo runs once everything is installed and built."""

import sys

from demo.cli import main

sys.exit(main(sys.argv[1:]))
