"""Conversations in states: functions that send, and return the next state and a context."""

from __future__ import annotations

import pickle
import traceback
from datetime import UTC, datetime

import pytest

from dialogs import (
    AsyncInSyncRun,
    Button,
    Conversation,
    InMemoryPersistence,
    Interrupt,
    Message,
    NotSerializable,
    Orchestrator,
    Status,
    dialog,
    get_client_response,
    run_dialog,
    run_gen_dialog,
    send_message,
    step_key,
)
from dialogs.stores import MemoryStore
from dialogs.testing import DialogTester
from dialogs.workflows import StateError, StateFailed, StateSteps


def greeting() -> StateSteps:
    steps = StateSteps(initial="start")

    @steps.register("start")
    def start(chat_id, user_input, context, sender):
        sender.send_message(chat_id, "Hello! What's your name?")
        return "get_name", {"opening": user_input, "chat_id": chat_id}

    @steps.register("get_name")
    async def get_name(chat_id, user_input, context, sender):
        await sender.send_message(chat_id, f"Nice to meet you, {user_input}!")
        sender.send_message(chat_id, "How old are you?")
        return "get_age", {**context, "name": user_input}

    @steps.register("get_age")
    def get_age(chat_id, user_input, context, sender):
        if not user_input.isdigit():
            sender.send_message(chat_id, "A number, please.")
            return "get_age", context
        sender.send_message(chat_id, "Thank you.")
        return None, {**context, "age": int(user_input)}

    return steps


def orchestrated(steps: StateSteps, **options) -> Orchestrator:
    return Orchestrator(steps.dialog(), store=MemoryStore(), **options)


def one(function) -> StateSteps:
    """A conversation of this state, which is reached by its second message."""
    steps = StateSteps(initial="start")
    steps.register("start")(lambda chat_id, user_input, context, sender: ("next", {"a": [1]}))
    steps.register("next")(function)
    return steps


# --- how it goes ------------------------------------------------------------------------------


async def test_a_conversation_goes_from_state_to_state():
    bot = orchestrated(greeting())
    assert (await bot.handle_message("u/1", "hi")).messages == ["Hello! What's your name?"]
    turn = await bot.handle_message("u/1", "Ada")
    assert turn.messages == ["Nice to meet you, Ada!", "How old are you?"]
    assert (await bot.handle_message("u/1", "old")).messages == ["A number, please."]
    turn = await bot.handle_message("u/1", "36")
    assert turn.messages == ["Thank you."]
    assert turn.status is Status.COMPLETED
    assert turn.result == {"opening": "hi", "chat_id": "u/1", "name": "Ada", "age": 36}


async def test_the_first_state_gets_none_where_no_message_opened_the_conversation():
    bot = orchestrated(greeting())
    await bot.start("u")
    await bot.handle_message("u", "Ada")
    assert (await bot.handle_message("u", "36")).result["opening"] is None


def test_a_bare_runner_runs_the_states_that_are_not_async():
    steps = one(lambda chat_id, user_input, context, sender: (None, [chat_id, user_input, context]))
    run, persistence = steps.dialog(), InMemoryPersistence()
    assert not run_gen_dialog(run(), persistence, None, conversation_id="me").is_done
    done = run_gen_dialog(run(), persistence, "hello", conversation_id="me")
    assert done.return_value == ["me", "hello", {"a": [1]}]


def test_a_run_without_an_id_has_no_chat_id():
    class Anonymous:
        log: bytes | None = None

        def load(self):
            return self.log

        def save(self, log):
            self.log = log

    steps = one(lambda chat_id, user_input, context, sender: (None, chat_id))
    persistence = Anonymous()
    run_dialog(steps.dialog()(), persistence, None)
    assert run_dialog(steps.dialog()(), persistence, "hello").return_value is None


def test_a_state_that_returns_none_ends_the_conversation_without_a_result():
    tester = DialogTester(one(lambda *_: None).dialog(), run="sync").start()
    tester.say("hello").expect_done()
    assert tester.result is None


async def test_states_run_once_for_each_message_whatever_is_replayed():
    ran = []

    def count(chat_id, user_input, context, sender):
        ran.append(step_key())
        sender.send_message(chat_id, f"{len(ran)}")
        return "next", context

    bot = orchestrated(one(count))
    for word in ("open", "a", "b", "c"):
        turn = await bot.handle_message("u", word)
    assert turn.messages == ["3"]
    assert len(set(ran)) == len(ran) == 3


async def test_the_log_of_a_long_conversation_does_not_grow():
    def go_on(chat_id, user_input, context, sender):
        sender.send_message(chat_id, "Go on.")
        return "next", {"said": context.get("said", 0) + 1}

    store = MemoryStore()
    bot = Orchestrator(one(go_on).dialog(), store=store)
    sizes = []
    for number in range(300):
        await bot.handle_message("u", str(number), message_id=str(number))
        conversation = await bot.conversation("u")
        assert isinstance(conversation, Conversation)
        sizes.append(len(conversation.log or b""))
    assert max(sizes[250:]) <= max(sizes[50:100]) + 4  # a longer number, and nothing else


async def test_messages_may_be_more_than_text():
    question = Message("Go on?", buttons=(Button("Yes"), Button("No")))

    def ask(chat_id, user_input, context, sender):
        sender.send_message(chat_id, question)

    bot = orchestrated(one(ask))
    await bot.start("u")
    assert (await bot.handle_message("u", "x")).messages == [question]


async def test_messages_are_those_of_the_moment_they_were_sent():
    def send(chat_id, user_input, context, sender):
        sender.send_message(chat_id, context["a"])
        context["a"].append(2)
        sender.send_message(chat_id, context["a"])

    bot = orchestrated(one(send))
    await bot.start("u")
    assert (await bot.handle_message("u", "x")).messages == [[1], [1, 2]]


async def test_an_orchestrators_sender_says_the_messages_of_states():
    class Said:
        def __init__(self):
            self.messages = []

        async def send_message(self, chat_id, message, *, delivery_id):
            self.messages.append((chat_id, message))

    said = Said()
    bot = orchestrated(greeting(), sender=said)
    await bot.handle_message("u", "hi")
    assert said.messages == [("u", "Hello! What's your name?")]


# --- Python dialogs and states ----------------------------------------------------------------


async def test_a_python_dialog_can_call_states_and_gets_their_context():
    inner = greeting().dialog(name="greeting")

    @dialog
    def outer():
        person = yield inner(context={"from": "outside"})
        yield send_message(f"{person['name']} is {person['age']}.")
        return (yield get_client_response())

    bot = Orchestrator(outer, store=MemoryStore())
    await bot.handle_message("u", "hi")
    await bot.handle_message("u", "Ada")
    assert (await bot.handle_message("u", "36")).messages == ["Thank you.", "Ada is 36."]
    assert (await bot.handle_message("u", "bye")).result == "bye"


async def test_a_python_dialog_may_give_the_first_context():
    steps = StateSteps(initial="start")
    steps.register("start")(
        lambda chat_id, user_input, context, sender: (None, [user_input, context])
    )
    inner = steps.dialog()

    @dialog
    def outer():
        return (yield inner("hello", context={"n": 1}))

    turn = await Orchestrator(outer, store=MemoryStore()).start("u")
    assert turn.result == ["hello", {"n": 1}]


async def test_states_can_be_a_digression_and_know_whose_it_is():
    aside = StateSteps(initial="help")
    aside.register("help")(
        lambda chat_id, user_input, context, sender: (
            sender.send_message(chat_id, f"For {chat_id}.") and None
        )
    )
    bot = orchestrated(greeting(), interrupts=[Interrupt("/help", aside.dialog(name="help"))])
    await bot.handle_message("u/7", "hi")
    turn = await bot.handle_message("u/7", "/help")
    assert turn.messages == ["For u/7.", "Hello! What's your name?"]


async def test_an_edited_state_takes_the_next_message_of_an_open_conversation():
    store = MemoryStore()
    await Orchestrator(greeting().dialog(), store=store).handle_message("u", "hi")

    edited = StateSteps(initial="start")
    edited.register("start")(lambda *_: ("get_name", {}))
    edited.register("get_name")(
        lambda chat_id, user_input, context, sender: (None, user_input[::-1])
    )
    turn = await Orchestrator(edited.dialog(), store=store).handle_message("u", "Ada")
    assert turn.result == "adA"


async def test_another_version_starts_an_open_conversation_anew():
    store = MemoryStore()
    old = Orchestrator(greeting().dialog(version="1"), store=store)
    await old.handle_message("u", "hi")
    new = Orchestrator(greeting().dialog(version="2"), store=store)
    assert (await new.handle_message("u", "Ada")).messages == ["Hello! What's your name?"]


# --- errors name the state, and nothing is lost ------------------------------------------------


async def test_a_state_that_raises_undoes_its_turn_and_can_be_tried_again():
    broken = [True]

    def fragile(chat_id, user_input, context, sender):
        sender.send_message(chat_id, f"got {user_input}")
        context["a"].append("changed")
        if broken:
            raise LookupError("no such thing")
        return "next", context

    bot = orchestrated(one(fragile))
    await bot.start("u")
    with pytest.raises(StateFailed) as caught:
        await bot.handle_message("u", "x", message_id="m")
    error = caught.value
    assert (error.state, error.type_name, error.message) == ("next", "LookupError", "no such thing")
    assert "State 'next' raised LookupError: no such thing." in str(error)
    assert "in fragile" in "".join(traceback.format_exception(error))
    assert (await bot.conversation("u")).status is Status.ERROR

    broken.clear()
    turn = await bot.handle_message("u", "x", message_id="m")
    assert turn.messages == ["got x"]


async def test_an_async_state_that_raises_is_named_too():
    async def fragile(chat_id, user_input, context, sender):
        raise ConnectionError("gone")

    bot = orchestrated(one(fragile))
    await bot.start("u")
    with pytest.raises(StateFailed, match="State 'next' raised ConnectionError: gone"):
        await bot.handle_message("u", "x")


async def test_a_dialog_around_the_states_can_catch_their_failure():
    def fragile(chat_id, user_input, context, sender):
        raise LookupError("no such thing")

    inner = one(fragile).dialog()

    @dialog
    def outer():
        try:
            yield inner()
        except StateFailed as error:
            yield send_message(f"{error.state} failed: {error.message}")
            yield get_client_response()

    bot = Orchestrator(outer, store=MemoryStore())
    await bot.start("u")
    assert (await bot.handle_message("u", "x")).messages == ["next failed: no such thing"]
    assert (await bot.handle_message("u", "x")).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ("next", "State 'next' returned 'next'."),
        (("next",), "State 'next' returned ('next',)."),
        (("next", {}, 1), "State 'next' returned ('next', {}, 1)."),
        ({"next": 1}, "State 'next' returned {'next': 1}."),
        (True, "State 'next' returned True."),
        ((7, {}), "State 'next' returned 7 as the next state's id."),
        (("nowhere", {}), "There is no state 'nowhere', which state 'next' returned."),
    ],
)
async def test_a_wrong_return_value_is_an_error_that_names_the_state(returned, says):
    answers = [returned, (None, "fine")]
    bot = orchestrated(one(lambda *_: answers.pop(0)))
    await bot.start("u")
    with pytest.raises(StateError) as caught:
        await bot.handle_message("u", "x")
    assert says in str(caught.value)
    assert (await bot.handle_message("u", "x")).result == "fine"


async def test_a_context_that_the_log_cannot_keep_is_an_error_that_names_the_state():
    bot = orchestrated(one(lambda *_: ("next", {"socket": object()})))
    await bot.start("u")
    with pytest.raises(NotSerializable, match="state 'next' returned") as caught:
        await bot.handle_message("u", "x")
    assert caught.value.path == "value['socket']"


async def test_a_message_that_the_log_cannot_keep_is_an_error_that_names_the_state():
    def send(chat_id, user_input, context, sender):
        sender.send_message(chat_id, object())

    bot = orchestrated(one(send))
    await bot.start("u")
    with pytest.raises(NotSerializable, match="a message of state 'next'"):
        await bot.handle_message("u", "x")


async def test_a_state_cannot_send_to_somebody_else():
    def send(chat_id, user_input, context, sender):
        sender.send_message("somebody else", "psst")

    bot = orchestrated(one(send))
    await bot.start("u")
    with pytest.raises(StateError, match="State 'next' sent a message to 'somebody else'"):
        await bot.handle_message("u", "x")


async def test_a_state_cannot_send_once_it_is_done():
    kept = []
    bot = orchestrated(one(lambda chat_id, user_input, context, sender: kept.append(sender)))
    await bot.start("u")
    await bot.handle_message("u", "x")
    with pytest.raises(StateError, match="after it was done"):
        kept[0].send_message("u", "late")


async def test_a_conversation_that_waits_in_a_state_that_is_gone_waits_for_it():
    store = MemoryStore()
    await Orchestrator(greeting().dialog(), store=store).handle_message("u", "hi")
    without = StateSteps(initial="start")
    without.register("start")(lambda *_: None)
    with pytest.raises(StateError, match="no state 'get_name', where a conversation waits"):
        await Orchestrator(without.dialog(), store=store).handle_message("u", "Ada")
    turn = await Orchestrator(greeting().dialog(), store=store).handle_message("u", "Ada")
    assert turn.messages[0] == "Nice to meet you, Ada!"


def test_an_async_state_in_a_sync_run_is_refused_by_its_name():
    async def wait(chat_id, user_input, context, sender):
        return None

    class Waits:
        async def __call__(self, chat_id, user_input, context, sender):
            return None

    for function in (wait, Waits()):
        run, persistence = one(function).dialog(), InMemoryPersistence()
        run_dialog(run(), persistence, None)
        with pytest.raises(AsyncInSyncRun, match=r"call\(next\)"):
            run_dialog(run(), persistence, "x")


# --- registering ------------------------------------------------------------------------------


def test_registering_gives_the_function_back():
    def start(chat_id, user_input, context, sender):
        return None

    steps = StateSteps(initial="start")
    assert steps.register("start")(start) is start
    assert steps.states == ["start"]


def test_a_state_is_registered_once():
    steps = greeting()
    with pytest.raises(StateError, match="'start' is registered already"):
        steps.register("start")(lambda *_: None)


@pytest.mark.parametrize("function", [lambda: None, lambda chat_id: None, 3, None])
def test_what_does_not_take_four_arguments_is_no_state(function):
    with pytest.raises(StateError) as caught:
        StateSteps(initial="start").register("odd")(function)
    assert caught.value.state == "odd"


@pytest.mark.parametrize("state", ["", "  ", None, 3])
def test_ids_are_texts(state):
    with pytest.raises(StateError, match="is no state's id"):
        StateSteps(initial="start").register(state)
    with pytest.raises(StateError, match="is no state's id"):
        StateSteps(initial=state)


def test_the_first_state_must_be_there():
    with pytest.raises(StateError, match="There is no state 'start'"):
        StateSteps(initial="start").dialog()


def test_errors_can_be_pickled():
    for error in (StateFailed("a", "KeyError", "k"), StateError("a", "What.", "Why.", "Do.")):
        copy = pickle.loads(pickle.dumps(error))
        assert str(copy) == str(error)
        assert copy.state == "a"


async def test_a_context_may_have_every_value_that_the_log_keeps():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    steps = StateSteps(initial="a")
    steps.register("a")(lambda *_: ("b", {"at": moment, "set": {1}}))
    steps.register("b")(lambda chat_id, user_input, context, sender: (None, context))
    bot = orchestrated(steps)
    await bot.start("u")
    assert (await bot.handle_message("u", "x")).result == {"at": moment, "set": {1}}
