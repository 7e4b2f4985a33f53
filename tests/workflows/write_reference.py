"""Writes the reference into the docs: python -m tests.workflows.write_reference."""

from pathlib import Path

from dialogs.workflows.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "workflows" / "documents.md"
BEGIN, END = "<!-- made by dialogs.workflows.reference -->\n", "<!-- until here -->"

if __name__ == "__main__":
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{reference().strip()}\n\n{END}{after}", "utf-8")
