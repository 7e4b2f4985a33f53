"""The WebSocket, over a real server: nothing lost, nothing twice, whichever side fails."""

import asyncio

import pytest

from dialogs.channels.web import feeds
from dialogs.stores import MemoryStore, SQLiteStore
from dialogs.testing import FakeClock
from tests.channels.web.people import Client, app_of, client_at, live, met, serving
from tests.channels.web.site import orchestrator_of


@pytest.fixture
async def url():
    async with serving(app_of(orchestrator_of(MemoryStore()), messages_per_minute=600)) as url:
        yield url


@pytest.fixture
async def client(url):
    async with client_at(url) as http:
        client = Client(http)
        await client.start()
        yield client


async def test_what_is_said_comes_before_its_answer(url, client):
    async with live(url, client.token) as socket:
        assert (await socket.next())["type"] == "welcome"
        news = await socket.next("news")
        assert news["standing"]["status"] == "WAITING_FOR_RESPONSE"
        await socket.send(type="message", message_id="1", text="pizza")
        answered = await socket.next("answered")

        assert answered == {
            "type": "answered",
            "message_id": "1",
            "duplicate": False,
            "stale": False,
        }
        assert socket.texts[1:] == ["pizza", "Which size?"]


async def test_a_conversation_begins_over_a_socket(url):
    async with live(url, None) as socket:
        await socket.send(type="hello")
        welcome = await socket.next()
        assert (await socket.next("news"))["standing"]["status"] == "INITIATED"
        await socket.send(type="start")
        await socket.next("answered")
        assert socket.texts == ["What shall it be? A game, or pizza?"]
    async with live(url, welcome["token"]) as socket:
        assert await socket.next() == {"type": "welcome", "id": welcome["id"]}
        await socket.next("news")
        assert socket.texts == ["What shall it be? A game, or pizza?"]


async def test_a_quick_turn_is_told_in_one_frame_besides_its_answer(monkeypatch):
    monkeypatch.setattr(feeds, "TYPING_S", 60)
    app = app_of(orchestrator_of(MemoryStore()), poll_s=60)
    async with serving(app) as url, live(url, None) as socket:
        await socket.send(type="hello")
        await socket.next("news")
        await socket.send(type="start")
        await socket.send(type="message", message_id="1", text="pizza")
        await socket.next("answered")
        await socket.next("answered")

    frames = [(frame["type"], frame.get("typing")) for frame in socket.heard]
    turn = [("news", False), ("answered", None)]
    assert frames == [("welcome", None), ("news", False), *turn, *turn]


class Counting(MemoryStore):
    """Counts how often a conversation is loaded, besides by turns."""

    loads = 0

    async def load(self, chat_id, **options):
        self.loads += 1
        return await super().load(chat_id, **options)


async def test_a_message_is_read_once_after_its_turn():
    store = Counting()
    async with (
        serving(app_of(orchestrator_of(store), poll_s=60)) as url,
        live(url, None) as socket,
    ):
        await socket.send(type="hello")
        await socket.send(type="start")
        await socket.next("answered")
        before = store.loads
        for number in range(5):
            await socket.send(type="message", message_id=str(number), text="pizza")
            await socket.next("answered")

    assert store.loads - before == 5


def words(conversation):
    """A view for the tests: how much was said."""
    return None if conversation is None else {"words": len(conversation.history)}


async def test_a_watched_view_is_told_at_once_and_before_the_answer_that_changes_it():
    app = app_of(orchestrator_of(MemoryStore()))
    app.state.talk.views["words"] = words
    app.state.talk.views["same"] = lambda _conversation: "ever"
    async with serving(app) as url, live(url, None) as socket:
        await socket.send(type="hello")
        await socket.send(type="watch", view="words")
        await socket.send(type="watch", view="same")
        await socket.send(type="start")
        await socket.next("answered")
        await socket.send(type="watch", view="words")
        await socket.next("view")

    told = [frame.get("value") for frame in socket.heard if frame["type"] in ("view", "answered")]
    assert told == [None, "ever", {"words": 1}, None, {"words": 1}]


async def test_a_view_that_changes_elsewhere_is_told_to_all_who_watch():
    app = app_of(orchestrator_of(MemoryStore()))
    app.state.talk.views["words"] = words
    async with (
        met(app) as (url, client),
        live(url, client.token) as one,
        live(url, client.token) as other,
    ):
        for socket in (one, other):
            await socket.send(type="watch", view="words")
            assert (await socket.next("view"))["value"] == {"words": 1}
        await client.say("pizza")
        for socket in (one, other):
            assert (await socket.next("view"))["value"] == {"words": 3}


async def test_what_is_said_elsewhere_is_heard_by_everybody_once(url, client):
    async with live(url, client.token) as one, live(url, client.token) as other:
        await one.next("news")
        await other.next("news")
        await client.say("pizza")
        while "Which size?" not in one.texts:
            await one.next("news")
        while "Which size?" not in other.texts:
            await other.next("news")
        assert one.texts == other.texts
        assert len(one.texts) == len(set(one.texts)) == 3


async def test_a_socket_that_comes_back_hears_what_it_missed_and_nothing_twice(url, client):
    async with live(url, client.token) as socket:
        seen = (await socket.next("news"))["messages"][-1]["number"]
    await client.say("pizza")
    async with live(url, client.token, after=seen) as socket:
        await socket.next("news")
        assert socket.texts == ["pizza", "Which size?"]


async def test_a_message_that_is_sent_again_after_a_lost_answer_counts_once(url, client):
    async with live(url, client.token) as socket:
        await socket.next("news")
        await socket.send(type="message", message_id="1", text="pizza")
    async with live(url, client.token) as socket:
        await socket.send(type="message", message_id="1", text="pizza")
        await socket.next("answered")
        assert socket.texts.count("pizza") == 1


@pytest.fixture
def answer(tmp_path):
    """The file that a slow turn waits for."""
    return tmp_path / "answer"


async def test_a_turn_goes_on_when_its_socket_is_gone(url, client, answer):
    await client.say("slow")
    async with live(url, client.token) as socket:
        await socket.next("news")
        await socket.send(type="message", message_id="1", text=str(answer))
        while not (await socket.next("news"))["typing"]:
            pass
    answer.write_text("42")
    async with live(url, client.token) as socket:
        while "42" not in socket.texts:
            await socket.next("news")
        await socket.send(type="message", message_id="1", text=str(answer))
        assert (await socket.next("answered"))["duplicate"]


async def test_typing_is_told_to_everybody_while_a_turn_runs(url, client, answer):
    await client.say("slow")
    async with live(url, client.token) as one, live(url, client.token) as other:
        await one.next("news")
        await other.next("news")
        await one.send(type="message", message_id="1", text=str(answer))
        assert (await other.next("news"))["typing"]
        answer.write_text("42")
        while (await other.next("news"))["typing"]:
            pass
        assert other.texts[-1] == "42"


async def test_typing_is_told_until_a_slow_step_after_a_moment_of_sleep_is_over(answer):
    clock = FakeClock()
    orchestrator = orchestrator_of(MemoryStore(), clock=clock)
    app = app_of(orchestrator)
    app.state.talk.views["same"] = lambda _conversation: "ever"
    async with met(app) as (url, client):
        await client.say("busy")
        async with live(url, client.token) as socket:
            await socket.send(type="message", message_id="1", text=str(answer))
            await socket.next("answered")
            clock.advance(1)
            firing = asyncio.ensure_future(orchestrator.fire_due())
            for _ in range(3):  # whenever it is read, it tells nothing else
                await socket.send(type="watch", view="same")
                await socket.next("view")
            answer.write_text("42")
            assert await firing
            while "42" not in socket.texts:
                news = await socket.next("news")

    assert not news["typing"]
    told = [frame for frame in socket.heard if frame["type"] == "news"]
    assert {f["typing"] for f in told if f["standing"]["waiting"] == "time"} == {True}


async def test_pings_are_answered_while_a_turn_runs(url, client, answer):
    await client.say("slow")
    async with live(url, client.token) as socket:
        await socket.send(type="message", message_id="1", text=str(answer))
        await socket.send(type="ping")
        await socket.next("pong")
        answer.write_text("42")
        await socket.next("answered")
        assert socket.texts[-1] == "42"


async def test_a_message_that_fails_is_refused_and_tells_nothing(url, client):
    await client.say("broken")
    async with live(url, client.token) as socket:
        await socket.send(type="message", message_id="1", text="boom")
        refused = await socket.next("refused")
        assert (refused["message_id"], refused["problem"]["status"]) == ("1", 500)
        assert "hunter2" not in str(socket.heard)
        await socket.send(type="message", message_id="1", text="well")
        await socket.next("answered")
        assert socket.texts[-1] == "All is well."


async def test_buttons_are_pressed_over_the_socket(url, client):
    size = (await client.say("pizza"))["messages"][0]["number"]
    async with live(url, client.token) as socket:
        for message_id in ("1", "2"):
            press = {"message": size, "index": 0}
            await socket.send(type="message", message_id=message_id, button=press)
        assert not (await socket.next("answered"))["stale"]
        assert (await socket.next("answered"))["stale"]
        assert socket.texts[-2:] == ["Small", "With olives?"]


async def test_a_conversation_that_is_forgotten_is_seen_to_be_gone(url, client):
    async with live(url, client.token) as socket:
        await socket.next("news")
        await client.http.delete(f"conversations/{client.id}", headers=client.headers)
        while (await socket.next("news"))["standing"]["status"] != "INITIATED":
            pass
        await socket.send(type="start")
        await socket.next("answered")
        assert socket.texts[-1].startswith("What shall it be?")


async def test_what_another_process_does_is_heard_too(tmp_path):
    here = orchestrator_of(SQLiteStore(tmp_path / "site.db"))
    async with (
        met(app_of(here)) as (url, client),
        live(url, client.token) as socket,
        orchestrator_of(SQLiteStore(tmp_path / "site.db")) as there,
    ):
        await socket.next("news")
        await there.handle_message(f"web:{client.id}", "pizza")
        while "Which size?" not in socket.texts:
            await socket.next("news")


async def test_the_timers_of_the_lifespan_speak_to_open_sockets():
    orchestrator = orchestrator_of(MemoryStore(), poll=0.05)
    async with met(app_of(orchestrator, timers=True)) as (url, client):
        await client.say("late")
        async with live(url, client.token) as socket:
            while "Here it is." not in socket.texts:
                await socket.next("news")


async def test_a_server_that_ends_closes_its_sockets_and_finishes_its_turns(monkeypatch, answer):
    orchestrator = orchestrator_of(MemoryStore())
    app = app_of(orchestrator)
    settle = app.state.talk.feeds.settle

    async def settle_a_turn_under_way():
        answer.write_text("42")
        await settle()

    monkeypatch.setattr(app.state.talk.feeds, "settle", settle_a_turn_under_way)
    async with met(app) as (url, client):
        await client.say("slow")
        async with live(url, client.token) as socket:
            await socket.send(type="message", message_id="1", text=str(answer))
            while not (await socket.next("news"))["typing"]:
                pass
            app.state.server.should_exit = True
            assert await socket.closed() == 1012
    conversation = await orchestrator.conversation(f"web:{client.id}")
    assert conversation.history[-1].message == "42"


async def test_messages_of_one_socket_are_answered_in_order(url, client):
    async with live(url, client.token) as socket:
        for number in range(20):
            await socket.send(type="message", message_id=str(number), text="game")
        answers = [(await socket.next("answered"))["message_id"] for _ in range(20)]
        assert answers == [str(number) for number in range(20)]


async def test_many_sockets_come_and_go_and_leave_nothing_behind():
    app = app_of(orchestrator_of(MemoryStore()), sockets_per_conversation=30)
    async with met(app) as (url, client):

        async def visit():
            async with live(url, client.token) as socket:
                await socket.next("news")

        await asyncio.gather(*[visit() for _ in range(20)])
        left = app.state.talk.feeds
        await asyncio.wait_for(asyncio.gather(*left._polls), 60)
        assert left._feeds == {}
