"""How a step is written and shown, and told from what is none."""

import functools

import pytest

from dialogs import (
    DialogStepDone,
    DialogStepNotDone,
    InMemoryPersistence,
    Message,
    NotAStep,
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
    run_gen_dialog,
    send_message,
    uuid4,
)
from tests.steps.answers import greet
from tests.written import written

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
