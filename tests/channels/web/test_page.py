"""The chat page, in a real browser."""

import asyncio
import os

import pytest
from fastapi import Request

from dialogs.stores import MemoryStore
from tests.channels.web.people import app_of, serving
from tests.channels.web.site import orchestrator_of

playwright = pytest.importorskip("playwright.async_api")
expect = playwright.expect

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def open_page(person, site):
    page = await person.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and page.errors.append(line.text))
    await page.goto(site.url)
    await expect(page.locator("#connection")).to_have_text("Connected")
    return page


async def say(page, text):
    await page.get_by_label("Your message").fill(text)
    await page.keyboard.press("Enter")


async def said(page):
    """The messages on the page, in order, with their speakers."""
    return await page.locator("#log .bubble").all_text_contents()


async def last(page, text):
    await expect(page.locator("#log .theirs .bubble").last).to_contain_text(text)


async def test_a_whole_game(person, site):
    page = await open_page(person, site)
    await say(page, "game")
    await last(page, "Which one?")
    low, high = 1, 10
    for _ in range(5):
        guess = (low + high) // 2
        count = await page.locator("#log li").count()
        await say(page, str(guess))
        await expect(page.locator("#log li")).to_have_count(count + 2)
        answer = (await said(page))[-1]
        if "Yes" in answer:
            break
        low, high = (guess + 1, high) if "too low" in answer else (low, guess - 1)
    else:
        pytest.fail(f"the game had no end: {await said(page)}")
    await expect(page.get_by_text("The conversation has ended.")).to_be_visible()
    await page.get_by_role("button", name="Start again").click()
    await last(page, "What shall it be?")
    assert page.errors == []


async def test_a_reload_in_the_middle_loses_nothing(person, site):
    page = await open_page(person, site)
    await say(page, "pizza")
    await last(page, "Which size?")
    before = await said(page)

    await page.reload()

    await last(page, "Which size?")
    assert await said(page) == before
    await page.get_by_role("button", name="Small").click()
    await last(page, "With olives?")


async def test_a_server_that_is_killed_and_restarted_in_the_middle_loses_nothing(person, own_site):
    server = own_site
    page = await open_page(person, server)
    await say(page, "pizza")
    await last(page, "Which size?")

    server.kill()
    await expect(page.locator("#connection")).to_have_text("Connection lost. Trying again…")
    await page.get_by_role("button", name="Large").click()
    await expect(page.locator("#queue")).to_contain_text("Sending…")
    server.start()

    await last(page, "With olives?")
    await expect(page.locator("#queue li")).to_have_count(0)
    assert (await said(page))[-2:] == ["You: Large", "Pizza & games: With olives?"]
    await expect(page.locator("#connection")).to_have_text("Connected")


async def test_a_server_killed_while_it_answers_counts_the_message_once(person, own_site):
    server = own_site
    answer = server.folder / "answer"
    page = await open_page(person, server)
    await say(page, "slow")
    await last(page, "Where is the answer?")
    await say(page, str(answer))
    await expect(page.locator("#typing")).to_be_visible()

    server.kill()
    answer.write_text("42")
    server.start()

    await last(page, "42")
    assert (await said(page)).count(f"You: {answer}") == 1


async def test_two_tabs_on_one_conversation_stay_equal(person, site):
    one, other = await open_page(person, site), await open_page(person, site)
    await say(one, "pizza")
    await last(other, "Which size?")
    await other.get_by_role("button", name="Large").click()
    await last(one, "With olives?")
    await expect(one.get_by_role("button", name="Large")).to_be_disabled()
    await expect(other.get_by_role("button", name="Large")).to_be_disabled()
    await last(other, "With olives?")

    assert await said(one) == await said(other)
    assert one.errors == other.errors == []


async def test_both_tabs_go_along_to_a_new_conversation(person, site):
    one, other = await open_page(person, site), await open_page(person, site)
    await say(one, "pizza")
    await last(other, "Which size?")
    one.on("dialog", lambda dialog: dialog.accept())

    await one.get_by_role("button", name="New chat").click()

    await expect(one.locator("#log li")).to_have_count(1)
    await expect(other.locator("#log li")).to_have_count(1)
    await say(other, "files")
    await last(one, "Here they are.")


async def test_a_dropped_connection_is_shown_and_healed(person, site):
    page = await open_page(person, site)
    await person.set_offline(True)
    await expect(page.locator("#connection")).to_have_text("Connection lost. Trying again…")
    await say(page, "pizza")
    await expect(page.locator("#queue")).to_contain_text("Sending…")

    await person.set_offline(False)

    await expect(page.locator("#connection")).to_have_text("Connected")
    await last(page, "Which size?")
    assert len([text for text in await said(page) if text == "You: pizza"]) == 1


async def test_a_connection_that_only_seems_to_stand_is_noticed_and_healed(person, site):
    page = await person.new_page()
    await page.clock.install()
    dead = False

    def relay(socket):
        server = socket.connect_to_server()
        stays = dead
        socket.on_message(lambda text: None if dead and not stays else server.send(text))
        server.on_message(lambda text: None if dead and not stays else socket.send(text))

    await page.route_web_socket("**/live", relay)
    await page.goto(site.url)
    await last(page, "What shall it be?")
    dead = True
    await say(page, "pizza")
    await page.clock.fast_forward(60_000)
    await last(page, "Which size?")


async def test_what_was_on_its_way_survives_a_reload(person, site):
    page = await open_page(person, site)
    cut = True
    await page.route_web_socket(
        "**/live", lambda socket: socket.close() if cut else socket.connect_to_server()
    )
    await page.reload()
    await expect(page.locator("#connection")).to_have_text("Connection lost. Trying again…")
    await say(page, "pizza")
    await expect(page.locator("#queue")).to_contain_text("pizza")

    cut = False
    await page.reload()

    await last(page, "Which size?")
    await expect(page.locator("#queue li")).to_have_count(0)


async def test_what_is_said_before_there_is_a_conversation_is_not_lost(person, site):
    page = await person.new_page()
    begun = asyncio.Event()

    async def wait(route):
        await begun.wait()
        await route.continue_()

    await page.route("**/conversations", wait)
    await page.goto(site.url)
    await say(page, "pizza")
    await expect(page.locator("#queue")).to_contain_text("pizza")
    begun.set()
    await last(page, "Which size?")


async def test_a_browser_that_may_keep_nothing_can_chat_all_the_same(person, site):
    await person.add_init_script(
        """for (const kind of ["localStorage", "sessionStorage"])
            Object.defineProperty(window, kind, { get() { throw new Error("blocked"); } });"""
    )
    page = await open_page(person, site)
    await say(page, "pizza")
    await last(page, "Which size?")
    await person.set_offline(True)
    await page.get_by_role("button", name="Small").click()
    await expect(page.locator("#connection")).to_contain_text("Trying again")
    await person.set_offline(False)
    await last(page, "With olives?")
    assert [text for text in await said(page) if "Small" in text] == ["You: Small"]


async def test_a_button_answers_its_own_question_and_only_once(person, site):
    page = await open_page(person, site)
    await say(page, "pizza")
    await page.get_by_role("button", name="Large").click()
    await last(page, "With olives?")
    await expect(page.get_by_role("button", name="Large")).to_be_disabled()
    await expect(page.get_by_role("button", name="Small")).to_be_disabled()
    await page.get_by_role("button", name="No").click()
    await last(page, "{'cm': 40, 'price': 'secret'}, False: it is on its way.")


async def test_a_typed_label_is_as_good_as_its_button(person, site):
    page = await open_page(person, site)
    await say(page, "pizza")
    await last(page, "Which size?")
    await say(page, "small")
    await last(page, "With olives?")
    await say(page, "YES")
    await last(page, "28, True: it is on its way.")


async def test_html_in_messages_is_text(person, site):
    page = await open_page(person, site)
    title = await page.title()
    await say(page, "hostile")
    await expect(page.get_by_role("button", name="<img src=x")).to_be_enabled()
    await say(page, "<b>bold</b><img src=x onerror=alert(1)>")
    await last(page, "You said <b>bold</b>")

    assert await page.locator("main img, main script, main b").count() == 0
    assert await page.title() == title
    assert page.errors == []


async def test_the_policy_stops_a_script_that_found_its_way_in(person, site):
    page = await open_page(person, site)

    refused = await page.evaluate(
        """() => {
            try { document.querySelector("main").innerHTML = "<b>in</b>"; return false; }
            catch (error) { return error instanceof TypeError; }
        }"""
    )

    assert refused
    assert await page.evaluate("document.querySelectorAll('main b').length") == 0


async def test_files_are_shown_saved_and_linked_and_run_nothing(person, site):
    page = await open_page(person, site)
    await say(page, "files")
    await last(page, "Here they are.")
    image = page.get_by_alt_text("dot.png")
    await expect(image).to_be_visible()
    assert (await image.get_attribute("src")).startswith("blob:")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Save page.html").click()
    saved = await download.value
    assert saved.suggested_filename == "page.html"
    menu = page.get_by_role("link", name="menu.pdf")
    assert await menu.get_attribute("href") == "https://shop.example/menu.pdf"
    assert "noopener" in await menu.get_attribute("rel")
    await expect(page.get_by_text("run me")).to_be_visible()
    assert await page.locator("a[href^=javascript]").count() == 0
    assert page.errors == []


async def test_a_timer_says_something_while_the_page_is_open(person, site):
    page = await open_page(person, site)
    await say(page, "late")
    await last(page, "Here it is.")
    assert (await said(page))[-2].endswith("Wait for it.")


async def test_typing_is_shown_while_a_turn_runs(person, site, tmp_path):
    page = await open_page(person, site)
    await say(page, "slow")
    await last(page, "Where is the answer?")
    await say(page, str(tmp_path / "answer"))
    await expect(page.locator("#typing")).to_be_visible()
    (tmp_path / "answer").write_text("42")
    await last(page, "42")
    await expect(page.locator("#typing")).to_be_hidden()


async def test_a_failed_message_can_be_sent_again_or_discarded(person, site):
    page = await open_page(person, site)
    await say(page, "broken")
    await last(page, "Say anything.")
    await say(page, "boom")
    await expect(page.locator("#queue")).to_contain_text("Not sent:")
    assert "hunter2" not in await page.content()
    await page.get_by_role("button", name="Send again").click()
    await expect(page.locator("#queue")).to_contain_text("Not sent:")
    await page.get_by_role("button", name="Discard").click()
    await expect(page.locator("#queue li")).to_have_count(0)
    await say(page, "well")
    await last(page, "All is well.")


async def test_an_answer_to_a_question_that_is_over_is_given_back(person, site):
    one = await open_page(person, site)
    other = await person.new_page()
    deaf = False

    def relay(socket):
        server = socket.connect_to_server()
        server.on_message(lambda text: None if deaf and '"news"' in text else socket.send(text))

    await other.route_web_socket("**/live", relay)
    await other.goto(site.url)
    await say(one, "pizza")
    await last(other, "Which size?")
    deaf = True
    await one.get_by_role("button", name="Small").click()
    await last(one, "With olives?")

    await say(other, "tiny")

    await expect(other.get_by_role("alert")).to_contain_text("That question is over")
    await expect(other.get_by_label("Your message")).to_have_value("tiny")
    assert not any("tiny" in text for text in await said(one))


async def test_the_keyboard_is_enough(person, site):
    page = await open_page(person, site)
    await expect(page.get_by_label("Your message")).to_be_focused()
    await page.keyboard.type("pizza")
    await page.keyboard.press("Enter")
    await last(page, "Which size?")
    await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_role("button", name="Large")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Space")
    await last(page, "With olives?")
    await expect(page.get_by_label("Your message")).to_be_focused()


async def test_a_screen_reader_finds_its_way(person, site):
    page = await open_page(person, site)
    await say(page, "pizza")
    await last(page, "Which size?")

    log = page.get_by_role("log", name="Messages")
    await expect(log).to_have_attribute("aria-live", "polite")
    await expect(log.get_by_role("group", name="Answers").get_by_role("button")).to_have_count(2)
    texts = await log.get_by_role("listitem").all_text_contents()
    assert texts[1].startswith("You: ")
    assert texts[2].startswith("Pizza & games: ")
    assert await page.evaluate("document.documentElement.lang") == "en"
    await expect(page.get_by_role("heading", level=1)).to_have_text("Pizza & games")


async def test_a_token_that_is_not_valid_offers_a_new_conversation(person, site):
    page = await open_page(person, site)
    await page.evaluate(
        """() => { for (const key of Object.keys(localStorage))
            localStorage.setItem(key, JSON.stringify({id: "abc", token: "made.up.token"})); }"""
    )
    await page.reload()
    await expect(page.get_by_text("This conversation cannot be opened any more.")).to_be_visible()
    await page.get_by_role("button", name="New chat").click()
    await expect(page.locator("#connection")).to_have_text("Connected")
    await last(page, "What shall it be?")


def signed_in(request: Request):
    return request.cookies.get("user")


async def test_with_the_users_of_the_site_each_has_one_conversation_in_every_browser(chromium):
    app = app_of(orchestrator_of(MemoryStore()), auth=signed_in)
    async with serving(app) as url:
        for device, heard in [("laptop", "What shall it be?"), ("phone", "Which size?")]:
            person = await chromium.new_context(extra_http_headers={"X-Device": device})
            await person.add_cookies([{"name": "user", "value": "ada", "url": url}])
            page = await person.new_page()
            await page.goto(url)
            await last(page, heard)
            await say(page, "pizza" if device == "laptop" else "small")
            await last(page, "Which size?" if device == "laptop" else "With olives?")
            assert await page.evaluate("Object.keys(localStorage)") == []
            await person.close()
        stranger = await chromium.new_page()
        await stranger.goto(url)
        await expect(stranger.locator("#connection")).to_have_text("Nobody is signed in.")
        await stranger.close()


SCREENS = {"light": (900, 640, "light"), "dark": (900, 640, "dark"), "phone": (390, 740, "light")}


@pytest.mark.parametrize("name", SCREENS)
async def test_it_fits_the_screen_and_the_colour_scheme(person, site, name):
    width, height, scheme = SCREENS[name]
    page = await open_page(person, site)
    await page.set_viewport_size({"width": width, "height": height})
    await page.emulate_media(color_scheme=scheme)
    await say(page, "pizza")
    await page.get_by_role("button", name="Large").click()
    await last(page, "With olives?")

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    light = await page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0] > 128"
    )
    assert light == (scheme == "light")
    await expect(page.get_by_role("button", name="Send")).to_be_in_viewport()
    await expect(page.get_by_role("button", name="Yes")).to_be_in_viewport()
    if folder := os.environ.get("DIALOGS_SCREENSHOTS"):
        await page.screenshot(path=f"{folder}/web-{name}.png")
    header = await page.locator("header").bounding_box()
    await person.set_offline(True)
    await expect(page.locator("#connection")).to_contain_text("Trying again")
    assert await page.locator("header").bounding_box() == header
    await expect(page.get_by_role("button", name="Yes")).to_be_in_viewport()
