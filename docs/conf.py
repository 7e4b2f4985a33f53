"""Sphinx reads this to build the docs: `make docs`."""

from importlib.metadata import version as installed_version

project = "dialogs"
author = "The dialogs authors"
copyright = "The dialogs authors"
release = version = installed_version("resumable-dialogs")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_title = "dialogs"
