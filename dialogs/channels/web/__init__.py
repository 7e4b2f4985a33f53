"""The web channel: a REST API, live messages over a WebSocket, and a page to chat on.

    app = create_app(orchestrator, secret=...)

The rooms, as a request walks them: `guard` (origin, size, headers), `rights` with `tokens` (whose
conversation), `limits` (how often), `api` or `live` (what is asked), `talk` (the turn), `feeds`
(who hears of it), `views` and `schemas` (how it looks in JSON), `problems` (what goes wrong);
`app` puts them together. `page/` is what the browser gets.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dialogs.errors import missing_extra

if TYPE_CHECKING:
    from dialogs.channels.web.app import create_app
    from dialogs.channels.web.rights import chat_id_of

_ROOMS = {"chat_id_of": "rights", "create_app": "app"}
_NEEDED = ("fastapi", "itsdangerous")


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        room = import_module(f"{__name__}.{_ROOMS[name]}")
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        raise missing_extra(f"{name}()", error.name, "web") from None
    return getattr(room, name)


__all__ = ["chat_id_of", "create_app"]
