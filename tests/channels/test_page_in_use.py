"""The chat page on a phone, after a reload, some days later: what a person notices of it."""

import itertools
from datetime import datetime, timedelta

import pytest

from dialogs import (
    Attachment,
    Button,
    Message,
    Orchestrator,
    dialog,
    get_client_response,
    send_message,
)
from dialogs.stores import MemoryStore
from tests.channels.web.conftest import chromium, person, site  # noqa: F401 - fixtures
from tests.channels.web.people import app_of, serving
from tests.channels.web.test_page import expect, last, open_page, said, say

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_addresses_in_a_text_can_be_followed_and_nothing_else(person, site):  # noqa: F811
    page = await open_page(person, site)
    await say(page, "hostile")
    await last(page, "<img src=x")
    await say(
        page,
        "See https://shop.example/a?b=1&c=<x>, or javascript:alert(1) (http://d.example). "
        "https://e.example/\u202egpj.exe",
    )
    await last(page, "You said See")

    links = page.locator("#log .theirs .bubble a")
    shown = ["https://shop.example/a?b=1&c=", "http://d.example", "https://e.example/"]
    assert await links.all_text_contents() == shown
    for link, address in zip(await links.all(), shown, strict=True):
        assert (await link.get_attribute("href")).rstrip("/") == address.rstrip("/")
        assert await link.get_attribute("rel") == "noopener noreferrer"
        assert await link.get_attribute("target") == "_blank"
    assert (await said(page))[-1].endswith("(http://d.example). https://e.example/\u202egpj.exe")
    assert page.errors == []


@pytest.mark.parametrize(("text", "direction"), [("مرحبا, Ada!", "rtl"), ("Ada, مرحبا!", "ltr")])
async def test_a_text_runs_in_its_own_direction(person, site, text, direction):  # noqa: F811
    page = await open_page(person, site)
    await say(page, text)
    words = page.locator("#log .mine .words").last
    await expect(words).to_have_text(text)
    assert await words.evaluate("words => getComputedStyle(words).direction") == direction


async def test_what_was_being_typed_survives_a_reload_and_is_said_once(person, site):  # noqa: F811
    page = await open_page(person, site)
    await page.get_by_label("Your message").fill("half a thou")
    await page.reload()
    await expect(page.get_by_label("Your message")).to_have_value("half a thou")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Your message")).to_have_value("")
    await page.reload()
    await expect(page.locator("#connection")).to_have_text("Connected")
    await expect(page.get_by_label("Your message")).to_have_value("")


async def test_on_a_phone_no_keyboard_hides_what_is_said(chromium, site):  # noqa: F811
    phone = await chromium.new_context(
        viewport={"width": 375, "height": 667}, has_touch=True, is_mobile=True
    )
    page = await open_page(phone, site)
    assert await page.evaluate("document.activeElement.id") == ""
    await say(page, "pizza")
    await page.get_by_label("Your message").blur()
    await page.get_by_role("button", name="Large").tap()
    await last(page, "With olives?")
    assert await page.evaluate("document.activeElement.id") == ""
    await phone.close()


async def test_of_messages_in_a_row_the_last_one_says_when(person, site):  # noqa: F811
    page = await open_page(person, site)
    await say(page, "late")
    await last(page, "Here it is.")
    items = await page.eval_on_selector_all(
        "#log li",
        """items => items.map(item => [item.className,
            item.querySelector("time").textContent, item.querySelector("time").hidden])""",
    )
    assert [side for side, *_ in items] == ["theirs", "mine", "theirs", "theirs"]
    for (side, when, hidden), (next_side, next_when, _) in itertools.pairwise(items):
        assert hidden == (side == next_side and when == next_when)
    assert not items[-1][2]


async def test_what_was_said_on_another_day_says_so(person, site):  # noqa: F811
    page = await open_page(person, site)
    at = datetime.fromisoformat(await page.locator("#log time").first.get_attribute("datetime"))
    await page.clock.set_fixed_time(at)
    await page.reload()
    await last(page, "What shall it be?")
    clock = await page.locator("#log time").first.text_content()
    await page.clock.set_fixed_time(at + timedelta(days=2))
    await page.reload()
    await last(page, "What shall it be?")
    dated = await page.locator("#log time").first.text_content()
    assert dated.endswith(clock)
    assert dated != clock


async def test_a_screen_reader_hears_what_is_new_and_not_the_whole_past(person, site):  # noqa: F811
    page = await open_page(person, site)
    live = page.get_by_role("log", name="Messages")
    await expect(live).to_have_attribute("aria-live", "polite")
    await say(page, "pizza")
    await last(page, "Which size?")
    await expect(page.locator("#queue li")).to_have_count(0)  # else it is said again
    await page.reload()
    await last(page, "Which size?")
    await expect(live).to_have_attribute("aria-live", "off")
    await page.get_by_role("button", name="Small").click()
    await last(page, "With olives?")
    await expect(live).to_have_attribute("aria-live", "polite")


@pytest.mark.parametrize("act", ["Send again", "Discard"])
async def test_a_failure_is_read_out_and_leaves_the_keyboard_where_it_is(person, site, act):  # noqa: F811
    page = await open_page(person, site)
    await say(page, "broken")
    await last(page, "Say anything.")
    await say(page, "anything")
    await expect(page.get_by_role("alert")).to_contain_text("Not sent: Something went wrong")
    await page.get_by_role("button", name=act).focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Your message")).to_be_focused()


@dialog
def odd():
    yield send_message("")
    yield send_message(Message(attachments=(Attachment("menu.pdf", url="/menu.pdf"),)))
    yield send_message(Message("?", buttons=(Button("Yes"), Button(" ", "nothing"))))
    said = yield get_client_response()
    yield send_message(f"It was {said}.")


async def test_what_has_nothing_to_show_leaves_no_trace_and_a_button_its_number(person):  # noqa: F811
    async with serving(app_of(Orchestrator(odd, store=MemoryStore(), history=9))) as url:
        page = await person.new_page()
        await page.goto(url)
        await expect(page.get_by_role("link", name="menu.pdf")).to_be_visible()
        await expect(page.locator("#log li")).to_have_count(2)
        await page.get_by_role("form").get_by_role("textbox").fill("2")
        await page.keyboard.press("Enter")
        await last(page, "It was nothing.")
