"""The commands, as typer sees them.

`chatting`, `serving`, `listing` and `checking` do what they say; `workflows` has commands of its
own.
"""

from __future__ import annotations

import getpass
import sys
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from dialogs.cli import chatting, checking, listing, serving, workflows
from dialogs.cli.targets import find_target
from dialogs.standing import Status

app = typer.Typer(
    help="Talk to a dialog, serve it as a web page, look at its conversations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

TargetPath = Annotated[
    str,
    typer.Argument(
        metavar="MODULE[:NAME]",
        help="A dialog or an Orchestrator, found from the current folder.",
        show_default=False,
    ),
]
StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Where conversations are kept: sqlite:///FILE, redis://..., postgresql://..., "
        "mongodb://..., memory:. Without it: a file in your state folder, for each dialog its own.",
        show_default=False,
    ),
]


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Talk to a dialog, serve it as a web page, look at its conversations."""
    if version:
        typer.echo(version_of("resumable-dialogs"))
        raise typer.Exit


@app.command()
def chat(
    path: TargetPath,
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Whose conversation; yours, if left out."),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Forget what was, and start over.")] = False,
    store: StoreUrl = None,
) -> None:
    """Talk to a dialog. Ctrl-C or Ctrl-D leaves; the same command goes on where you were."""
    target = find_target(path)
    you = name if name is not None else _user()
    if not you.strip():
        raise typer.BadParameter("Nobody has an empty name.", param_hint="--as")
    invitation = chatting.Invitation(target, you, store, is_named=name is not None)
    if not chatting.chat(invitation, new=new):
        sys.exit(1)


@app.command()
def serve(
    path: TargetPath,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The port; 0 takes a free one.")
    ] = 8000,
    host: Annotated[
        str, typer.Option(help="The address to listen at; 0.0.0.0 for every network.")
    ] = "127.0.0.1",
    title: Annotated[
        str | None, typer.Option(help="The page's title; the dialog's name, if left out.")
    ] = None,
    store: StoreUrl = None,
) -> None:
    """Serve a dialog as a chat page and an API. DIALOGS_SECRET signs who is who."""
    serving.serve(find_target(path), host=host, port=port, title=title, url=store)


@app.command()
def conversations(
    path: TargetPath,
    status: Annotated[
        Status | None,
        typer.Option(help="Only those that stand so.", case_sensitive=False, show_default=False),
    ] = None,
    store: StoreUrl = None,
) -> None:
    """List the conversations of a dialog: whose, how each stands, where it waits."""
    if not listing.show(find_target(path), store, status):
        sys.exit(1)


@app.command()
def check(path: TargetPath, store: StoreUrl = None) -> None:
    """Tell whose open conversations this code does not fit; nothing is run or changed."""
    if not checking.check(find_target(path), store):
        sys.exit(1)


@app.command()
def forget(
    path: TargetPath,
    chat_ids: Annotated[
        list[str], typer.Argument(metavar="CHAT_ID...", help="As `conversations` lists them.")
    ],
    store: StoreUrl = None,
) -> None:
    """Delete conversations, whatever their status."""
    if not listing.forget(find_target(path), store, chat_ids):
        sys.exit(1)


workflows.add_to(app)


def _user() -> str:
    """The name of the system's user; "you" where it has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "you"
