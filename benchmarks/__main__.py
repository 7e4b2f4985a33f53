"""Prints the table: `python -m benchmarks`."""

import sys

from benchmarks.table import main

sys.exit(main())
