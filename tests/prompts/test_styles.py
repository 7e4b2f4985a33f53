"""Prompts in every style."""

import pytest

from dialogs import (
    dialog,
    dialog_result,
    run,
)
from dialogs.prompts import ask, confirm
from dialogs.testing import DialogTester


@dialog(name="styled")
def as_generator():
    name = yield from ask("Name?")
    return name, (yield confirm("Sure?"))


@dialog(name="styled")
async def as_coroutine():
    name = await ask("Name?")
    return name, await confirm("Sure?")


@dialog(name="styled")
async def as_async_generator():
    name = yield ask("Name?")
    sure = yield confirm("Sure?")
    yield dialog_result((name, sure))


@dialog(name="styled")
def as_plain_function():
    return run(ask("Name?")), run(confirm("Sure?"))


STYLES = [as_generator, as_coroutine, as_async_generator, as_plain_function]


@pytest.mark.parametrize("asks", STYLES)
def test_prompts_are_steps_in_every_style(asks):
    tester = DialogTester(asks())
    tester.play(
        """
        bot: Name?
        you: Ada
        bot: Sure? [Yes] [No]
        you: perhaps
        bot: Please answer Yes or No. Sure? [Yes] [No]
        you: [Yes]
        (done: ('Ada', True))
        """
    )


def test_a_prompt_goes_on_in_another_style():
    tester = DialogTester(as_generator()).start()
    for asks, response in zip(STYLES[1:], ["Ada", "perhaps", "y"], strict=True):
        tester.upgrade(asks()).say(response)
    tester.expect_done(("Ada", True))
