import asyncio
import functools
import math
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dialogs import (
    AsyncInSyncRun,
    DialogStepDone,
    DialogStepNotDone,
    InMemoryPersistence,
    Message,
    NotAStep,
    NotSerializable,
    ReplayError,
    Step,
    StepFailed,
    UsageError,
    call,
    choice,
    continue_as_new,
    dialog,
    dialog_result,
    gather,
    get_client_response,
    now,
    patched,
    randint,
    run,
    run_async_gen_dialog,
    run_gen_dialog,
    send_message,
    uuid4,
)
from tests.written import STYLES, written


@pytest.fixture
def kept():
    return InMemoryPersistence()


@dialog
def greet(who="you"):
    yield send_message(f"Hello, {who}!")


def answer_of(step):
    """What a dialog gets for a step in its first turn, and what it gets in the next one."""

    @dialog
    def ask():
        answer = yield step
        seen.append(answer)
        yield get_client_response()

    seen = []
    kept = InMemoryPersistence()
    run_gen_dialog(ask(), kept, "")
    run_gen_dialog(ask(), kept, "go on")
    return seen


# --- how a step reads in an error -------------------------------------------------------------


def charge(amount):
    return amount


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (send_message("Hello!"), "send_message('Hello!')"),
        (send_message(Message("Hello!")), "send_message('Hello!')"),
        (send_message("Hello!", name="greeting"), "send_message(..., name='greeting')"),
        (get_client_response(), "get_client_response()"),
        (get_client_response(timeout=5), "get_client_response()"),
        (call(charge, 5), "call(charge)"),
        (call(max, 1, 2), "call(max)"),
        (call(functools.partial(charge, 5)), "call(charge)"),
        (now(), "now()"),
        (randint(1, 6), "randint()"),
        (choice("abc"), "choice()"),
        (uuid4(), "uuid4()"),
        (patched("new-price"), "patched('new-price')"),
        (continue_as_new(greet()), "continue_as_new()"),
        (dialog_result(5), "dialog_result()"),
        (greet(), "the dialog 'greet'"),
        (gather(now(), call(charge, 5)), "gather(now, call charge)"),
    ],
)
def test_a_step_is_shown_as_its_author_wrote_it(step, text):
    assert repr(step) == text


def test_a_long_message_is_shown_shortened():
    assert repr(send_message("x" * 61)) == f"send_message({'x' * 59 + '…'!r})"
    assert repr(send_message("x" * 60)) == f"send_message({'x' * 60!r})"


def test_making_a_step_performs_nothing():
    call(pytest.fail, "call() called the function")
    choice([])
    randint(2, 1)
    greet(nobody="wanted this argument")


@pytest.mark.parametrize(
    "step",
    [send_message("hi"), get_client_response(), call(charge, 1), greet(), gather(), now()],
    ids=repr,
)
def test_everything_that_makes_a_step_makes_a_step(step):
    assert isinstance(step, Step)


# --- send_message -----------------------------------------------------------------------------


def test_a_message_is_said_once_and_answered_with_none(kept):
    said = []

    @dialog
    def talk():
        said.append((yield send_message("one")))
        yield get_client_response()
        said.append((yield send_message("two")))
        yield get_client_response()

    assert run_gen_dialog(talk(), kept, "").messages == ["one"]
    assert run_gen_dialog(talk(), kept, "a").messages == ["two"]
    assert run_gen_dialog(talk(), kept, "b").messages == []
    assert said == [None] * 5


@pytest.mark.parametrize("message", ["text", "", "\ud800", 5, None, {"a": (1, 2)}, b"\0", 1.5])
def test_any_value_can_be_said_as_often_as_one_likes(kept, message):
    @dialog
    def talk():
        yield send_message(message)
        yield get_client_response()
        yield send_message(message)

    first = run_gen_dialog(talk(), kept, "")
    second = run_gen_dialog(talk(), kept, "go on")

    assert first.messages == second.messages == [message]
    assert type(first.messages[0]) is type(message)


def test_a_message_that_the_log_cannot_keep_is_refused_by_its_step(kept):
    with pytest.raises(NotSerializable, match=r"send_message\(") as caught:
        run_gen_dialog(send_message({"items": [1, object()]}), kept, "")

    assert caught.value.path == "value['items'][1]"
    assert caught.value.value_type == "object"
    assert kept.log is None


def test_a_message_is_said_as_it_was_when_it_was_said(kept):
    basket = ["milk"]

    @dialog
    def talk():
        yield send_message(basket)
        basket.append("honey")
        yield send_message(basket)

    assert run_gen_dialog(talk(), kept, "").messages == [["milk"], ["milk", "honey"]]


# --- get_client_response ----------------------------------------------------------------------


def test_the_client_may_answer_with_any_value(kept):
    answer = {"choice": ("b", 2), "when": datetime(2024, 2, 29, tzinfo=UTC)}
    run_gen_dialog(get_client_response(), kept, "")

    assert run_gen_dialog(get_client_response(), kept, answer).return_value == answer


def test_a_client_response_that_the_log_cannot_keep_is_refused_and_can_be_given_again(kept):
    run_gen_dialog(get_client_response(), kept, "")

    with pytest.raises(NotSerializable, match=r"get_client_response\(\)"):
        run_gen_dialog(get_client_response(), kept, object())

    assert run_gen_dialog(get_client_response(), kept, "text").return_value == "text"


@pytest.mark.parametrize("timeout", [0, -1, 0.0, math.nan, timedelta(0), timedelta(seconds=-1)])
def test_a_timeout_that_cannot_pass_is_refused(timeout):
    with pytest.raises(UsageError, match=r"get_client_response\(timeout="):
        get_client_response(timeout=timeout)


@pytest.mark.parametrize("timeout", [None, 5, 0.5, timedelta(minutes=1)])
def test_a_runner_has_no_clock_and_never_times_out(kept, timeout):
    step = get_client_response(timeout=timeout)

    assert not run_gen_dialog(step, kept, "").is_done
    assert run_gen_dialog(step, kept, "late").return_value == "late"


def test_a_timeout_may_be_given_to_a_wait_that_is_already_open(kept):
    run_gen_dialog(get_client_response(), kept, "")

    assert run_gen_dialog(get_client_response(timeout=60), kept, "yes").return_value == "yes"


# --- call -------------------------------------------------------------------------------------


def test_a_function_is_called_once_with_its_arguments(kept):
    calls = []

    def book(*args, **kwargs):
        calls.append((args, kwargs))
        return len(calls)

    @dialog
    def trip():
        number = yield call(book, "Rome", 2, seat="window", fn="a name of call's own", self=1)
        yield get_client_response()
        yield get_client_response()
        return number

    for response in ["", "a", "b"]:
        result = run_gen_dialog(trip(), kept, response)

    assert result == DialogStepDone(1, [])
    assert calls == [(("Rome", 2), {"seat": "window", "fn": "a name of call's own", "self": 1})]


class Till:
    def __init__(self):
        self.total = 0

    def add(self, amount):
        self.total += amount
        return self.total

    def __call__(self, amount):
        return self.add(amount)


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: Till().add, "call(add)"),
        (Till, "call(Till)"),
        (lambda: functools.partial(Till().add), "call(add)"),
        (lambda: functools.partial(Till()), "call(Till)"),
        (lambda: lambda amount: amount, "call(<lambda>)"),
        (lambda: abs, "call(abs)"),
    ],
)
def test_whatever_can_be_called_can_be_a_step(kept, make, shown):
    step = call(make(), 3)

    assert repr(step) == shown
    assert run_gen_dialog(step, kept, "").return_value == 3


@pytest.mark.parametrize("style", STYLES)
def test_calling_what_cannot_be_called_says_where(kept, style):
    order = written(
        """
        def order():
            «call(5, 6)»
        """,
        style,
    )

    with pytest.raises(NotAStep, match=r"'order'.* asked for call\(5\) at shop\.py:2\.") as caught:
        run_gen_dialog(order(), kept, "")

    assert caught.value.value_type == "int"


def test_an_answer_is_the_decoded_copy_on_the_first_run_as_on_every_replay():
    shared = {"items": [1, (2, 3)]}

    first, replayed = answer_of(call(lambda: shared))

    assert first == replayed == shared
    assert first is not shared
    assert first["items"] is not shared["items"]
    assert type(first["items"][1]) is type(replayed["items"][1]) is tuple


def test_an_answer_is_encoded_the_moment_its_step_is_performed():
    shared = [1]

    @dialog
    def ask():
        answer = yield call(lambda: shared)
        shared.append(2)
        yield get_client_response()
        return answer

    kept = InMemoryPersistence()
    run_gen_dialog(ask(), kept, "")

    assert run_gen_dialog(ask(), kept, "go on").return_value == [1]


@pytest.mark.parametrize("style", STYLES)
def test_an_answer_that_the_log_cannot_keep_is_no_exception_of_the_dialog(kept, style):
    def make():
        return {"to": [object()]}

    performed = []
    order = written(
        """
        def order():
            try:
                «call(make)»
            except Exception:
                «call(performed.append, "went on")»
        """,
        style,
        make=make,
        performed=performed,
    )

    with pytest.raises(NotSerializable) as caught:
        run_gen_dialog(order(), kept, "")

    assert caught.value.path == "value['to'][0]"
    assert caught.value.step == "call(make)"
    assert "@serializable" in str(caught.value)
    assert performed == []
    assert kept.log is None


def test_a_function_that_returns_a_step_is_told_so_in_both_kinds_of_runs(kept):
    step = call(greet)

    with pytest.raises(UsageError) as sync_run:
        run_gen_dialog(step, kept, "")
    with pytest.raises(UsageError) as async_run:
        asyncio.run(run_async_gen_dialog(step, kept, ""))

    assert not isinstance(sync_run.value, AsyncInSyncRun)
    assert type(sync_run.value) is type(async_run.value)
    assert kept.log is None


# --- coroutines -------------------------------------------------------------------------------


async def test_a_yielded_coroutine_is_awaited_once(kept):
    fetched = []

    async def fetch(number):
        await asyncio.sleep(0)
        fetched.append(number)
        return number * 2

    @dialog
    def ask():
        answer = yield fetch(4)
        yield get_client_response()
        return answer

    await run_async_gen_dialog(ask(), kept, "")

    assert await run_async_gen_dialog(ask(), kept, "go on") == DialogStepDone(8, [])
    assert fetched == [4]


async def test_a_yielded_coroutine_is_known_by_its_qualified_name(kept):
    class Bank:
        async def fetch(self):
            return 1

    async def fetch():
        return 2

    def ask(coroutine):
        @dialog
        def ask():
            answer = yield coroutine()
            yield get_client_response()
            return answer

        return ask()

    await run_async_gen_dialog(ask(Bank().fetch), kept, "")

    with pytest.raises(ReplayError, match=r"the coroutine '.*Bank\.fetch' but .*<locals>\.fetch'"):
        await run_async_gen_dialog(ask(fetch), kept, "go on")
    assert (await run_async_gen_dialog(ask(Bank().fetch), kept, "go on")).return_value == 1


# --- time and chance --------------------------------------------------------------------------


def test_now_is_recorded_in_utc():
    before = datetime.now(UTC)

    first, replayed = answer_of(now())

    assert before <= first <= datetime.now(UTC)
    assert first == replayed
    assert first.tzinfo is UTC or first.utcoffset() == timedelta(0)


def test_randint_is_within_its_bounds_and_recorded():
    answers = [answer_of(randint(1, 2)) for _ in range(40)]

    assert {first for first, _ in answers} == {1, 2}
    assert all(first == replayed for first, replayed in answers)


def test_choice_is_an_element_and_recorded():
    answers = [answer_of(choice(["a", ("b", 1)])) for _ in range(40)]

    assert {first for first, _ in answers} == {"a", ("b", 1)}
    assert all(first == replayed for first, replayed in answers)


def test_uuid4_is_random_and_recorded():
    (first, replayed), (other, _) = answer_of(uuid4()), answer_of(uuid4())

    assert type(first) is UUID
    assert first.version == 4
    assert first == replayed != other


def test_a_seed_decides_what_chance_gives():
    @dialog
    def throw():
        return (yield randint(0, 10**9)), (yield choice(range(10**9)))

    results = []
    for seed in [7, 7, 8]:
        random.seed(seed)
        results.append(run_gen_dialog(throw(), InMemoryPersistence(), "").return_value)

    assert results[0] == results[1] != results[2]


@pytest.mark.parametrize(("step", "error"), [(randint(2, 1), ValueError), (choice(()), IndexError)])
def test_impossible_chances_fail_as_they_do_in_python(kept, step, error):
    @dialog
    def throw():
        with pytest.raises(error) as first:
            yield step
        yield get_client_response()
        return str(first.value)

    run_gen_dialog(throw(), kept, "")

    assert run_gen_dialog(throw(), kept, "go on").is_done


# --- three ways to write a step ---------------------------------------------------------------


def test_yield_from_is_yield(kept):
    def make(form):
        @dialog
        def ask():
            if form == "yield":
                one = yield call(charge, 1)
                return one, (yield get_client_response())
            one = yield from call(charge, 1)
            return one, (yield from get_client_response())

        return ask()

    run_gen_dialog(make("yield"), kept, "")

    assert run_gen_dialog(make("yield from"), kept, "x").return_value == (1, "x")


def test_steps_may_stand_in_functions_that_are_no_dialogs(kept):
    def ask(question):
        yield send_message(question)
        return (yield get_client_response())

    @dialog
    def signup():
        return (yield from ask("Name?")), (yield from ask("Mail?"))

    results = [run_gen_dialog(signup(), kept, response) for response in ["", "Ada", "a@b.c"]]

    assert results == [
        DialogStepNotDone(["Name?"]),
        DialogStepNotDone(["Mail?"]),
        DialogStepDone(("Ada", "a@b.c"), []),
    ]


def test_a_step_made_once_serves_many_conversations():
    question = send_message("Name?")
    name = get_client_response()
    hello = greet("all")

    @dialog
    def meet():
        yield question
        answer = yield name
        yield hello
        yield hello
        return answer

    conversations = {who: InMemoryPersistence() for who in ["Ada", "Bob"]}
    for kept in conversations.values():
        assert run_gen_dialog(meet(), kept, "").messages == ["Name?"]
    for who, kept in conversations.items():
        result = run_gen_dialog(meet(), kept, who)
        assert result == DialogStepDone(who, ["Hello, all!", "Hello, all!"])


# --- what is no step --------------------------------------------------------------------------


def some_generator():
    yield send_message("never said")


@pytest.mark.parametrize("value", [5, None, "text", [send_message("x")], some_generator(), greet])
@pytest.mark.parametrize("style", ["generator", "async generator", "plain"])
def test_handing_over_something_else_names_it_and_its_place(kept, style, value):
    order = written(
        """
        def order():
            «send_message("one")»
            try:
                «value»
            except Exception:
                «send_message("caught")»
        """,
        style,
        value=value,
    )

    with pytest.raises(NotAStep, match=r"'order'.* at shop\.py:4\. .*return") as caught:
        run_gen_dialog(order(), kept, "")

    assert repr(value) in str(caught.value)
    assert caught.value.value_type == type(value).__name__
    assert kept.log is None


def test_what_is_no_step_is_found_behind_a_replayed_part_too(kept):
    def make(value):
        @dialog
        def order():
            yield send_message("one")
            yield value
            yield get_client_response()

        return order()

    run_gen_dialog(make(call(int)), kept, "")

    with pytest.raises(NotAStep):
        run_gen_dialog(make(5), kept, "")


def test_a_step_of_an_unknown_kind_is_refused(kept):
    class Teleport(Step):
        key = "teleport"

    @dialog
    def travel():
        try:
            yield Teleport()
        except StepFailed:
            return "recorded as a failure"

    with pytest.raises(UsageError, match="Teleport"):
        run_gen_dialog(travel(), kept, "")
    assert kept.log is None


def test_dialog_result_belongs_to_async_generators_alone(kept):
    @dialog
    def generator():
        yield dialog_result(1)

    @dialog
    async def coroutine():
        await dialog_result(1)

    @dialog
    def plain():
        run(dialog_result(1))

    for wrong in [generator, coroutine, plain, dialog_result(1), gather(dialog_result(1))]:
        with pytest.raises(UsageError, match="dialog_result"):
            run_gen_dialog(wrong, kept, "")
