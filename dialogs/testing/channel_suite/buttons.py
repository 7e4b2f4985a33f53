"""Buttons: shown or numbered, answering with their value, and only to their own question."""
# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import pytest

from dialogs.testing.channel_suite.people import Meet, arrived, hears, repeated, sees, tells
from dialogs.testing.channel_suite.probe import DRINKS, LONG_LABEL, MANY

OFFER = "What would you like?"


class Buttons:
    """Ready-made answers."""

    async def test_buttons_are_shown_with_their_question_and_in_order(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("offer")
        shown = "\n".join(await hears(ada, list(DRINKS)[-1]))
        places = [shown.index(words) for words in (OFFER, *DRINKS)]
        assert places == sorted(places)

    @pytest.mark.parametrize("label", DRINKS)
    async def test_a_button_answers_with_its_value(self, meet: Meet, label: str) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("offer")
        await hears(ada, label)
        await ada.press(label)
        value = label if DRINKS[label] is None else DRINKS[label]
        await hears(ada, repeated(2, value))

    async def test_words_of_ones_own_answer_a_question_with_buttons(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("offer")
        await hears(ada, "Tea")
        await tells(ada, "juice", 2)

    async def test_of_many_buttons_the_last_can_be_pressed(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("offer many")
        shown = "\n".join(await hears(ada, MANY[-1]))
        assert [label for label in MANY if label not in shown] == []
        await ada.press(MANY[-1])
        await hears(ada, repeated(2, 29))

    async def test_a_button_with_a_long_label_can_be_pressed(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("offer long")
        await hears(ada, LONG_LABEL[:40])
        await ada.press(LONG_LABEL)
        await hears(ada, repeated(2, "this"))

    async def test_buttons_without_words_can_be_pressed(self, meet: Meet) -> None:
        ada = await arrived(meet("ada"))
        await ada.say("offer bare")
        await hears(ada, "No")
        await sees(ada, lambda heard: "Yes" in "\n".join(heard), "the buttons")
        await ada.press("No")
        await hears(ada, repeated(2, False))

    async def test_an_old_button_answers_nothing_and_says_so(
        self, meet: Meet, buttons_stay: bool
    ) -> None:
        if not buttons_stay:
            pytest.skip("old buttons of this channel cannot be pressed")
        ada = await arrived(meet("ada"))
        await ada.say("offer")
        await hears(ada, "Tea")
        before = len(await tells(ada, "juice", 2))
        await ada.press("Tea")
        await sees(ada, lambda heard: len(heard) > before, "a word about the old button")
        heard = await tells(ada, "what I say now is the third", 3)
        assert repeated(3, True) not in "\n".join(heard)

    async def test_the_button_of_a_question_that_was_asked_again_is_old(
        self, meet: Meet, buttons_stay: bool
    ) -> None:
        if not buttons_stay:
            pytest.skip("old buttons of this channel cannot be pressed")
        ada = await arrived(meet("ada"))
        for times in (1, 2):
            await ada.say("offer")
            before = len(await hears(ada, OFFER, times))
        await ada.press("Tea", which=0)
        await sees(ada, lambda heard: len(heard) > before, "a word about the old button")
        await ada.press("Tea")
        await hears(ada, repeated(3, True))
        await tells(ada, "that was one answer", 4)

    async def test_a_button_that_is_pressed_twice_answers_once(
        self, meet: Meet, buttons_stay: bool
    ) -> None:
        if not buttons_stay:
            pytest.skip("old buttons of this channel cannot be pressed")
        ada = await arrived(meet("ada"))
        await ada.say("offer")
        await hears(ada, "Tea")
        await ada.press("Tea")
        await ada.press("Tea")
        heard = await tells(ada, "and now?", 3)
        assert "\n".join(heard).count(repr(True)) == 1
