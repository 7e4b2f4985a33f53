import asyncio
import copy
import gc
import inspect
import pickle
import re

import pytest

import dialogs
from dialogs import (
    AsyncInSyncRun,
    Busy,
    CannotDecrypt,
    ChannelError,
    Conflict,
    Corrupt,
    DialogsError,
    DialogsWarning,
    InboxFull,
    InMemoryPersistence,
    LogError,
    LongLog,
    NotAStep,
    NotSerializable,
    ReplayError,
    ResponseTimeout,
    StepFailed,
    StoreError,
    StoreUnavailable,
    UnknownDialog,
    UnknownFormat,
    UnrecordedAwait,
    UsageError,
    YieldInFinally,
    call,
    continue_as_new,
    dialog,
    errors,
    gather,
    get_client_response,
    run,
    run_gen_dialog,
    send_message,
    step_key,
)
from dialogs.prompts import NoValidAnswer, ask as ask_for
from tests.written import written

TREE = {
    DialogsError: Exception,
    UsageError: DialogsError,
    NotAStep: UsageError,
    AsyncInSyncRun: UsageError,
    YieldInFinally: UsageError,
    NotSerializable: UsageError,
    ReplayError: DialogsError,
    LogError: DialogsError,
    UnknownFormat: LogError,
    Corrupt: LogError,
    UnknownDialog: LogError,
    StoreError: DialogsError,
    Busy: StoreError,
    Conflict: StoreError,
    StoreUnavailable: StoreError,
    CannotDecrypt: StoreError,
    InboxFull: DialogsError,
    ChannelError: DialogsError,
    StepFailed: DialogsError,
    ResponseTimeout: DialogsError,
    NoValidAnswer: DialogsError,
    DialogsWarning: UserWarning,
    UnrecordedAwait: DialogsWarning,
    LongLog: DialogsWarning,
}


@pytest.fixture
def kept():
    return InMemoryPersistence()


# --- the tree ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "parent"), TREE.items(), ids=lambda kind: kind.__name__)
def test_each_error_stands_at_its_place_in_the_tree(kind, parent):
    assert kind.__bases__ == (parent,)


def test_the_tree_is_complete_and_public():
    defined = {
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, Exception)
    }

    assert defined == set(TREE) - {NoValidAnswer}
    assert all(getattr(dialogs, kind.__name__) is kind for kind in defined)


def test_the_drawn_tree_shows_every_error_below_its_parent():
    drawn, path = {}, {}
    for line in errors.__doc__.splitlines():
        found = re.match(r"( +[│├└─ ]*)([A-Z]\w+)\b", line)
        if found and found[2] in {kind.__name__ for kind in TREE}:
            depth = len(found[1])
            path = {**{at: name for at, name in path.items() if at < depth}, depth: found[2]}
            above = [path[at] for at in sorted(path) if at < depth]
            drawn[found[2]] = above[-1] if above else None

    expected = {kind.__name__: parent.__name__ for kind, parent in TREE.items()}
    assert drawn == {**expected, "DialogsError": None, "DialogsWarning": None}


# --- real errors: three sentences, facts as attributes ----------------------------------------


@dialog
def ask():
    yield send_message("Name?")
    return (yield get_client_response())


@dialog
def waits_in_finally():
    try:
        yield get_client_response()
    finally:
        yield send_message("bye")


def not_a_step(kept):
    run_gen_dialog(5, kept, "")


def not_a_step_yielded(kept):
    @dialog
    def order():
        yield 5

    run_gen_dialog(order(), kept, "")


def async_in_sync_run(kept):
    run_gen_dialog(call(asyncio.sleep, 0), kept, "")


def yield_in_finally(kept):
    run_gen_dialog(waits_in_finally(), kept, "")


def not_serializable(kept):
    run_gen_dialog(call(object), kept, "")


def not_serializable_result(kept):
    @dialog
    def order():
        return object()

    run_gen_dialog(order(), kept, "")


def replay_error(kept):
    run_gen_dialog(ask(), kept, "")

    @dialog(name="ask")
    def edited():
        yield send_message("Mail?")
        return (yield get_client_response())

    run_gen_dialog(edited(), kept, "Ada")


def unknown_format(kept):
    kept.log = b"no log at all, but long enough"
    run_gen_dialog(ask(), kept, "")


def newer_format(kept):
    run_gen_dialog(ask(), kept, "")
    kept.log = kept.log[:3] + b"\xff" + kept.log[4:]
    run_gen_dialog(ask(), kept, "")


def corrupt(kept):
    run_gen_dialog(ask(), kept, "")
    kept.log = kept.log[:-1]
    run_gen_dialog(ask(), kept, "")


def unknown_dialog(kept):
    def code_of_before():
        @dialog
        def forgotten():
            yield get_client_response()

        @dialog(name="remembered")
        def order():
            yield continue_as_new(forgotten())

        return order()

    run_gen_dialog(code_of_before(), kept, "")
    gc.collect()

    @dialog(name="remembered")
    def order():
        yield get_client_response()

    run_gen_dialog(order(), kept, "")


def no_valid_answer(kept):
    step = ask_for("Age?", parse=int, attempts=1)
    run_gen_dialog(step, kept, "")
    run_gen_dialog(step, kept, "none")


def run_outside(kept):
    run(send_message("hi"))


def step_key_outside(kept):
    step_key()


def step_key_without_id(kept):
    class Nameless:
        load = staticmethod(lambda: None)
        save = staticmethod(lambda log: None)

    run_gen_dialog(call(step_key), Nameless(), "")


def waiting_in_gather(kept):
    run_gen_dialog(gather(ask()), kept, "")


def endless_wait(kept):
    get_client_response(timeout=0)


def misplaced_continue_as_new(kept):
    run_gen_dialog(gather(continue_as_new(ask())), kept, "")


def version_as_number(kept):
    dialog(version=2)(ask)


def step_failed(kept):
    class OutOfStock(Exception):
        pass

    def reserve():
        raise OutOfStock("tea")

    run_gen_dialog(call(reserve), kept, "")


def response_timeout(kept):
    raise ResponseTimeout(60.0)


RAISED = {
    not_a_step: NotAStep,
    not_a_step_yielded: NotAStep,
    async_in_sync_run: AsyncInSyncRun,
    yield_in_finally: YieldInFinally,
    not_serializable: NotSerializable,
    not_serializable_result: NotSerializable,
    replay_error: ReplayError,
    unknown_format: UnknownFormat,
    newer_format: UnknownFormat,
    corrupt: Corrupt,
    unknown_dialog: UnknownDialog,
    no_valid_answer: NoValidAnswer,
    run_outside: UsageError,
    step_key_outside: UsageError,
    step_key_without_id: UsageError,
    waiting_in_gather: UsageError,
    endless_wait: UsageError,
    misplaced_continue_as_new: UsageError,
    version_as_number: UsageError,
    step_failed: StepFailed,
    response_timeout: ResponseTimeout,
}

each_raised = pytest.mark.parametrize(
    ("cause", "kind"), RAISED.items(), ids=lambda value: value.__name__
)


def raised_by(cause, kept):
    with pytest.raises(DialogsError) as caught:
        cause(kept)
    return caught.value


@each_raised
def test_an_error_says_what_and_why_and_what_to_do(cause, kind, kept):
    error = raised_by(cause, kept)

    assert type(error) is kind
    assert all((error.what, error.why, error.remedy))
    assert str(error) == f"{error.what} {error.why} {error.remedy}"
    for sentence in (error.what, error.why, error.remedy):
        assert sentence == sentence.strip()
        assert sentence[-1] in ".)"


def facts(error):
    return {name: getattr(error, name) for name in ("what", "why", "remedy")} | vars(error)


@each_raised
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_raised_error_can_be_pickled(cause, kind, protocol, kept):
    error = raised_by(cause, kept)

    back = pickle.loads(pickle.dumps(error, protocol))

    assert type(back) is type(error)
    assert (str(back), repr(back), back.args) == (str(error), repr(error), error.args)
    assert facts(back) == facts(error)


@each_raised
def test_every_raised_error_can_be_copied(cause, kind, kept):
    error = raised_by(cause, kept)

    for back in [copy.copy(error), copy.deepcopy(error)]:
        assert type(back) is type(error)
        assert str(back) == str(error)
        assert facts(back) == facts(error)


ARGUMENTS = {
    Busy: ["user-42", 2.5],
    Conflict: ["user-42", 3],
    StoreUnavailable: ["RedisStore(localhost)", "commit", "ConnectionError: gone"],
    InboxFull: ["messages", 1000],
    CannotDecrypt: ["user-42", "no key opens it", "It is another key's.", "Give that key."],
}


@pytest.mark.parametrize(
    "kind", [kind for kind in TREE if kind not in RAISED.values()], ids=lambda kind: kind.__name__
)
def test_the_errors_that_other_rooms_raise_can_be_pickled_too(kind):
    error = kind(*ARGUMENTS.get(kind, ["What happened."]))

    back = pickle.loads(pickle.dumps(error))

    assert type(back) is kind
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_an_error_can_be_given_its_reason_and_remedy():
    error = ChannelError("It was not said.", "The platform refused.", "Try again.")

    assert str(error) == "It was not said. The platform refused. Try again."
    assert (error.what, error.why, error.remedy) == (
        "It was not said.",
        "The platform refused.",
        "Try again.",
    )


def test_notes_survive_pickling():
    error = ChannelError("Not said.")
    error.add_note("tried three times")

    assert pickle.loads(pickle.dumps(error)).__notes__ == ["tried three times"]


# --- attributes -------------------------------------------------------------------------------


def test_unknown_dialog_knows_the_name(kept):
    assert raised_by(unknown_dialog, kept).dialog == "forgotten"


def test_not_a_step_knows_the_type(kept):
    assert raised_by(not_a_step, kept).value_type == "int"


def test_async_in_sync_run_knows_the_step(kept):
    assert raised_by(async_in_sync_run, kept).step == "call(sleep)"


def test_not_serializable_knows_the_step_the_path_and_the_type(kept):
    error = raised_by(not_serializable, kept)
    result = raised_by(not_serializable_result, kept)

    assert (error.step, error.path, error.value_type) == ("call(object)", "value", "object")
    assert "the dialog 'order'" in str(result)


def test_step_failed_knows_the_exception(kept):
    error = raised_by(step_failed, kept)

    assert (error.type_name, error.message) == ("OutOfStock", "tea")
    assert re.search("OutOfStock.*tea", str(error))


def test_step_failed_may_have_no_text():
    assert "OutOfStock" in str(StepFailed("OutOfStock", ""))


@pytest.mark.parametrize("operation", ["setup", "load", "due", "scan"])
def test_a_store_that_could_not_be_read_speaks_of_no_turn(operation):
    error = StoreUnavailable("The tablet", operation, "it is away")

    assert error.why == "No conversation was changed."
    assert "message_id" not in error.remedy
    assert "message_id" in StoreUnavailable("The tablet", "commit", "it is away").remedy


def test_step_failed_ends_no_sentence_twice():
    assert StepFailed("Busy", "It is held.").what == "A step raised Busy: It is held."


def test_response_timeout_knows_the_time():
    assert ResponseTimeout(1.5).timeout_s == 1.5
    assert "1.5 seconds" in str(ResponseTimeout(1.5))


# --- the example of section 7 -----------------------------------------------------------------

EXAMPLE = (
    "dialog 'order' v3, conversation 'web:42', record 4: the log has get_client_response() but "
    "the dialog yielded call(charge) at shop.py:6. The dialog was edited while this conversation "
    "was open, or it reads something that changes between runs (clock, random, a global). Give "
    "the edited dialog a new version, guard the change with patched(), or make the changing part "
    "a step."
)

ORDER = """
    def order():
        «send_message("What?")»
        «get_client_response()»
        «send_message("How many?")»
        «get_client_response()»
        «get_client_response()»
        «get_client_response()»
"""


@pytest.mark.parametrize("style", ["generator", "coroutine", "async generator", "plain"])
@pytest.mark.parametrize("pending", [True, False])
def test_a_replay_error_reads_as_in_the_design(kept, style, pending):
    """Given an order that got to its third question, or beyond; when it charges there."""
    for response in ["", "tea", "2"] if pending else ["", "tea", "2", "yes"]:
        run_gen_dialog(written(ORDER, style, version="3"), kept, response, conversation_id="web:42")
    lines = ORDER.splitlines()
    edited = "\n".join([*lines[:6], "        «call(charge)»", *lines[7:]])

    with pytest.raises(ReplayError) as caught:
        run_gen_dialog(
            written(edited, style, version="3", charge=charge),
            kept,
            "go on",
            conversation_id="web:42",
        )

    error = caught.value
    assert str(error) == EXAMPLE
    assert (error.dialog, error.version, error.conversation) == ("order", "3", "web:42")
    assert (error.record, error.location) == (4, "shop.py:6")
    assert (error.logged, error.found) == ("get_client_response()", "yielded call(charge)")


def charge():
    pytest.fail("it was charged")


def test_a_conversation_without_an_id_is_not_named(kept):
    class Nameless:
        log = None

        def load(self):
            return self.log

        def save(self, log):
            self.log = log

    with pytest.raises(ReplayError) as caught:
        replay_error(nameless := Nameless())

    assert str(caught.value).startswith("dialog 'ask' v1.0, record 0: the log has")
    assert caught.value.conversation is None
    assert nameless.log


def test_a_renamed_dialog_is_told_to_keep_its_old_name(kept):
    """Given somebody who was asked for a street by a dialog that has another name by now."""

    def order(name, town="Rome"):
        def ask(town):
            yield send_message(f"Your street in {town}?")
            return (yield get_client_response())

        def asks():
            return (yield dialog(name=name)(ask)(town))

        return dialog(name="order")(asks)()

    run_gen_dialog(order("address"), kept, "")

    with pytest.raises(ReplayError) as caught:
        run_gen_dialog(order("delivery"), kept, "Main St")

    assert str(caught.value).endswith("keep the old one: @dialog(name='address').")
    with pytest.raises(ReplayError) as caught:
        run_gen_dialog(order("delivery", "Oslo"), kept, "Main St")
    assert "@dialog(name=" not in str(caught.value)
    assert run_gen_dialog(order("address"), kept, "Main St").return_value == "Main St"


def test_a_renamed_root_is_told_to_keep_its_old_name(kept):
    def order():
        return (yield get_client_response())

    run_gen_dialog(dialog(order)(), kept, "")

    with pytest.raises(ReplayError) as caught:
        run_gen_dialog(dialog(name="purchase")(order)(), kept, "x")

    assert str(caught.value).endswith("keep the old one: @dialog(name='order').")
