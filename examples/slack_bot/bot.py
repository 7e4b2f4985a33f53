"""The bot: its dialogs, kept in a file, and the channel to Slack."""

from slack_bolt.async_app import AsyncApp

from dialogs import Orchestrator
from dialogs.channels.slack import SlackChannel
from dialogs.stores import SQLiteStore
from examples.slack_bot.pizza import lunch, order


def slack_bot(app: AsyncApp, file: str = "slack_bot.db") -> SlackChannel:
    orchestrator = Orchestrator(
        order,
        store=SQLiteStore(file),
        on_error="Sorry, something went wrong. Please say that again.",
    )
    return SlackChannel(orchestrator, app, on_mention=lunch)
