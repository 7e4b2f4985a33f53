"""Sphinx reads this to build the docs: `make docs`."""

import re
from importlib.metadata import version as installed_version

project = "dialogs"
author = "The dialogs authors"
copyright = "The dialogs authors"
release = version = installed_version("resumable-dialogs")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "literal"  # the docstrings write code in single backticks

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"

html_theme = "furo"
html_title = "dialogs"
html_static_path = ["_static"]
html_css_files = ["dialogs.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False


def setup(app):
    """Let docstrings write `Button`s: to Sphinx, the letter must not touch the backtick."""
    app.connect("autodoc-process-docstring", _part_letters_from_backticks)


def _part_letters_from_backticks(*event):
    lines = event[-1]
    lines[:] = [re.sub(r"(?<!`)(`[^`]+`)(?=\w)", r"\1\\ ", line) for line in lines]
