"""`dialogs graph` and `dialogs validate`: workflow documents on the command line."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from dialogs.errors import UsageError, missing_extra

Files = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="JSON or YAML files, or folders of them.")
]


def add_to(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.command()(graph)
    app.command()(validate)


def graph(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A JSON or YAML file.")],
) -> None:
    """Print a workflow as a Mermaid flowchart."""
    _need_extra()
    from dialogs.workflows.graph import mermaid  # noqa: PLC0415 - an extra
    from dialogs.workflows.loading import load_workflow  # noqa: PLC0415
    from dialogs.workflows.problems import InvalidWorkflow, WorkflowWarning  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WorkflowWarning)
        try:
            document = load_workflow(file, strict=False)
        except InvalidWorkflow as error:
            for problem in error.problems:
                typer.echo(problem, err=True)
            sys.exit(1)
    typer.echo(mermaid(document), nl=False)


def validate(files: Files) -> None:
    """Check workflow documents; prints each problem with its file and line."""
    _need_extra()
    from dialogs.workflows.loading import load_workflow  # noqa: PLC0415 - an extra
    from dialogs.workflows.problems import InvalidWorkflow  # noqa: PLC0415

    count = 0
    paths = [path for file in files for path in _documents_in(Path(file))]
    for path in paths:
        try:
            document = load_workflow(path)
        except InvalidWorkflow as error:
            count += len(error.problems)
            for problem in error.problems:
                typer.echo(problem)
        else:
            steps = len(document.workflow.steps)
            noun = "step" if steps == 1 else "steps"
            typer.echo(f"{path}: {document.workflow_id!r} is valid, {steps} {noun}")
    if count:
        typer.echo(f"{count} problem{'' if count == 1 else 's'}", err=True)
        sys.exit(1)


def _documents_in(path: Path) -> list[Path]:
    from dialogs.workflows.loading import SUFFIXES  # noqa: PLC0415 - an extra

    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not found:
        raise UsageError(
            f"{str(path)!r} has no workflow.",
            f"A folder's workflows are its files that end with {', '.join(SUFFIXES)}.",
            "Correct the path.",
        )
    return found


def _need_extra() -> None:
    try:
        import dialogs.workflows.loading  # noqa: F401, PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise missing_extra("A workflow", str(error.name), "workflows") from None
