"""Dialogs that say their names, and what is said with them in channels and threads."""

from dialogs import dialog, get_client_response, send_message
from tests.channels.slack.fake_slack import BOT
from tests.channels.slack.slack_people import User


def named(name):
    """A dialog that says its name and what it hears, until it hears "bye"."""

    @dialog(name=name)
    def conversation(opening):
        yield send_message(f"{name} begins with {opening!r}")
        while True:
            heard = yield get_client_response()
            yield send_message(f"{name} hears {heard!r}")
            if heard == "bye":
                return

    return conversation


main = named("main")


def general(slack, name="ada"):
    return User(slack, name, "C0GENERAL")


async def say(user, text, **more):
    """Say something, and return its time stamp."""
    event = user.message(text, **more)
    await user.post(event)
    return event["ts"]


async def heard_in(slack, channel, thread):
    return [
        message["text"].replace("&amp;", "&")
        for message in slack.channels[channel]
        if message["user"] == BOT and message.get("thread_ts", "") == thread
    ]
