"""The webhook, as a WSGI app: what Flask or Django would make of it, in twenty lines."""

import json
from http import HTTPStatus
from urllib.parse import parse_qs

from dialogs import BlockingOrchestrator, StoreError


def make_app(bot: BlockingOrchestrator):
    """An app with two routes: the platform's webhook, and a page for the staff."""

    def app(environ, start_response):
        match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
            case "POST", "/webhook":
                status, answer = hear(bot, environ)
            case "GET", "/staff":
                asked = parse_qs(environ.get("QUERY_STRING", "")).get("status", [None])
                found = bot.conversations(asked[0])
                status, answer = HTTPStatus.OK, {chat: one.waiting for chat, one in found}
            case _:
                status, answer = HTTPStatus.NOT_FOUND, {}
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    return app


def hear(bot, environ):
    """Give the conversation what came; the platform sends again what is not answered with 2xx."""
    size = int(environ.get("CONTENT_LENGTH") or 0)
    event = json.loads(environ["wsgi.input"].read(size))
    try:
        turn = bot.handle_message(event["chat"], event["text"], message_id=event["id"])
    except StoreError as error:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"try again": str(error)}
    return HTTPStatus.OK, {"status": turn.status}
