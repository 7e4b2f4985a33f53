"""A bot without async: python -m examples.webhook [--port 8024] [--folder .]"""

import argparse
import contextlib
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from dialogs import BlockingOrchestrator, Orchestrator
from dialogs.stores import SQLiteStore
from examples.webhook.booking import booking_of
from examples.webhook.tables import Tables
from examples.webhook.web import make_app


class Platform:
    """Sends messages by printing them; a real one has `requests.post(..., timeout=10)` here."""

    def send_message(self, chat_id, message, *, delivery_id):  # noqa: ARG002
        print(f"{chat_id} < {message}", flush=True)


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """A thread for each request, as in `gunicorn --threads`."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        """Leave the terminal to the bot."""


def main():
    parser = argparse.ArgumentParser(prog="python -m examples.webhook")
    parser.add_argument("--port", type=int, default=8024)
    parser.add_argument("--folder", type=Path, default=Path())
    arguments = parser.parse_args()
    orchestrator = Orchestrator(
        booking_of(Tables(arguments.folder / "tables.db")),
        store=SQLiteStore(arguments.folder / "webhook.db"),
        sender=Platform(),
        threads=True,  # what the dialog calls may block
        lease=5,
    )
    with BlockingOrchestrator(orchestrator) as bot:
        bot.start_timers()
        address = ("127.0.0.1", arguments.port)
        with make_server(*address, make_app(bot), ThreadingServer, Quiet) as server:
            server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
