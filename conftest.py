"""Runs the code shown to readers: in every tested Markdown page, and in docstrings.

A block marked ``python`` runs, as a doctest where it has ``>>>``; the blocks of one
page share their names. A block marked otherwise (``text``, ``console``) is only shown.
``<!-- skip: next -->`` above a Python block keeps that block from running.
"""

import signal
from doctest import ELLIPSIS

from sybil import Sybil
from sybil.parsers import myst, rest

from tests.workflows.patience import patient_sandbox, patient_workers  # noqa: F401 - fixtures

pages = Sybil(
    parsers=[myst.PythonCodeBlockParser(doctest_optionflags=ELLIPSIS), myst.SkipParser()],
    pattern="*.md",
    fixtures=["patient_sandbox"],
)
docstrings = Sybil(
    parsers=[rest.DocTestParser(optionflags=ELLIPSIS), rest.SkipParser()],
    path="dialogs",
    pattern="*.py",
    fixtures=["patient_sandbox"],
)
pytest_collect_file = (pages + docstrings).pytest()


def pytest_configure() -> None:
    """Take Ctrl-C, which tests in the background ignore: programs under test inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
