"""`dialogs serve`: the web channel, by uvicorn."""

from __future__ import annotations

import sys

from dialogs.cli.orchestrators import orchestrator_for
from dialogs.cli.places import SECRET_VARIABLE, secret
from dialogs.cli.targets import Target
from dialogs.errors import missing_extra

LARGEST_FRAME = 65_536
"""How large a frame of a WebSocket may be, in bytes."""


def serve(target: Target, *, host: str, port: int, title: str | None, url: str | None) -> None:
    """Serve until Ctrl-C.

    Args:
        target: the dialog, or the orchestrator.
        host: the address to listen at.
        port: the port.
        title: the page's title; the dialog's name where it is None.
        url: the store, where one was named.

    Raises:
        UsageError: something is not installed, or does not do.
    """
    try:
        import uvicorn  # noqa: PLC0415 - an extra
    except ImportError:
        raise missing_extra("dialogs serve", "uvicorn", "web") from None
    from dialogs.channels.web import create_app  # noqa: PLC0415 - an extra

    orchestrator, place = orchestrator_for(target, url)
    key, source = secret()
    app = create_app(orchestrator, secret=key, title=title or target.name)
    sys.stderr.write(
        f"{target.path}, kept in {place}.\n"
        f"Tokens are signed with the secret in {source}"
        + (".\n" if source.startswith("$") else f"; set {SECRET_VARIABLE} to choose another.\n")
    )
    uvicorn.run(app, host=host, port=port, ws_max_size=LARGEST_FRAME)
