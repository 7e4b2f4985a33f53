"""Conversations that are prompts."""

from dialogs import (
    dialog,
    get_client_response,
)
from dialogs.testing import DialogTester


def only(prompt):
    """A dialog that is one prompt."""

    @dialog(name="only")
    def asks():
        return (yield prompt)

    return DialogTester(asks())


def version(*prompts):
    @dialog(name="sign_up")
    def sign_up():
        answers = []
        for prompt in prompts:
            answers += [(yield prompt)]
        yield get_client_response()
        return answers

    return sign_up()
