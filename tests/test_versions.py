import asyncio
import itertools

import pytest

from dialogs import (
    DialogStepDone,
    DialogStepNotDone,
    InMemoryPersistence,
    ReplayError,
    UsageError,
    call,
    dialog,
    get_client_response,
    run_async_gen_dialog,
    run_gen_dialog,
    send_message,
)
from tests.shops import around, named, shop, sorry
from tests.talking import talk
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


@dialog
def excuse():
    """A fallback that converses."""
    yield send_message("We have changed. Alright?")
    answer = yield get_client_response()
    yield send_message(f"You said {answer}. Really?")
    return (yield get_client_response())


# --- the root has another version -------------------------------------------------------------


@each_style
@pytest.mark.parametrize("turns", [1, 2])
def test_a_changed_root_starts_anew(kept, style, turns):
    talk(shop("1", style), kept, *["", "tea"][:turns])

    result = talk(shop("2", style), kept, "this answers nothing")

    assert result == DialogStepNotDone(["Shop 2: item?"])
    assert talk(shop("2", style), kept, "milk", 3).return_value == ("2", "milk", 3)


@pytest.mark.parametrize(("old", "new"), [("1.0", "1.1"), ("2", "1"), ("1", ""), ("1.0", "1.00")])
def test_any_other_version_is_a_change(kept, old, new):
    talk(shop(old), kept, "", "tea")

    assert talk(shop(new), kept, "x").messages == [f"Shop {new}: item?"]


def test_the_same_version_goes_on_without_touching_the_fallback(kept):
    @dialog
    def never():
        pytest.fail("the fallback ran")

    talk(shop("1"), kept, "", "tea", fallback=never())

    assert talk(shop("1"), kept, 3, fallback=never()).return_value == ("1", "tea", 3)


@each_style
def test_a_fallbacks_messages_come_first_in_one_result(kept, style):
    fallback = written("def sorry():\n    «send_message('Sorry, we start anew.')»", style)
    talk(shop("1"), kept, "", "tea")

    result = talk(shop("2"), kept, "this answers nothing", fallback=fallback())

    assert result == DialogStepNotDone(["Sorry, we start anew.", "Shop 2: item?"])
    assert talk(shop("2"), kept, "milk", 3, fallback=fallback()).return_value == ("2", "milk", 3)


def test_a_fallback_and_a_restarted_dialog_may_both_be_done_in_one_turn(kept):
    @dialog(version="2")
    def short():
        yield send_message("Closed today.")
        return "closed"

    talk(shop("1"), kept, "")

    assert talk(short(), kept, "x", fallback=sorry()) == DialogStepDone(
        "closed", ["Sorry, we start anew.", "Closed today."]
    )


@pytest.mark.parametrize("fallback", [sorry, sorry(), send_message("Sorry, we start anew.")])
def test_a_fallback_may_be_all_that_a_root_may_be(kept, fallback):
    talk(shop("1"), kept, "", "tea")

    result = talk(shop("2"), kept, "x", fallback=fallback)

    assert result.messages == ["Sorry, we start anew.", "Shop 2: item?"]


@each_style
def test_a_fallback_converses_over_several_turns(kept, style):
    """Given an old log; when each turn starts from bytes."""
    fallback = written(
        """
        def sub(question):
            «send_message(question)»
            return «get_client_response()»

        def excuse():
            first = «sub("We have changed. Alright?")»
            return «sub(f"You said {first}. Really?")»
        """,
        style,
    )()
    talk(shop("1"), kept, "", "tea")

    def turn(response):
        return talk(shop("2"), kept, response, fallback=fallback)

    assert turn("this answers nothing") == DialogStepNotDone(["We have changed. Alright?"])
    assert turn("hm") == DialogStepNotDone(["You said hm. Really?"])
    assert turn("yes") == DialogStepNotDone(["Shop 2: item?"])
    assert turn("milk") == DialogStepNotDone(["Shop 2: how many?"])
    assert turn(3) == DialogStepDone(("2", "milk", 3), [])


def test_a_fallbacks_answers_and_result_do_not_reach_the_dialog(kept):
    results = []

    @dialog(version="2")
    def ask():
        results.append((yield get_client_response()))

    talk(shop("1"), kept, "")
    talk(ask(), kept, "", "a", "b", "c", fallback=excuse())

    assert results == ["c"]


def test_a_fallback_whose_result_is_no_value_still_ends(kept):
    @dialog
    def fallback():
        yield send_message("Sorry.")
        return object()

    talk(shop("1"), kept, "")

    assert talk(shop("2"), kept, "x", fallback=fallback()).messages == ["Sorry.", "Shop 2: item?"]


def test_a_fallback_that_is_taken_away_half_way_lets_the_dialog_start_anew(kept):
    talk(shop("1"), kept, "", "tea")
    talk(shop("2"), kept, "x", "hm", fallback=excuse())

    assert talk(shop("2"), kept, "yes") == DialogStepNotDone(["Shop 2: item?"])
    assert talk(shop("2"), kept, "milk", 3).return_value == ("2", "milk", 3)


def test_a_fallback_that_changes_its_version_half_way_starts_anew(kept):
    @dialog(version="2")
    def better():
        yield send_message("We have changed a lot.")
        yield get_client_response()

    talk(shop("1"), kept, "", "tea")
    talk(shop("2"), kept, "x", "hm", fallback=excuse())

    result = talk(shop("2"), kept, "this answers nothing", fallback=better())
    assert result == DialogStepNotDone(["We have changed a lot."])
    assert talk(shop("2"), kept, "ok", fallback=better()).messages == ["Shop 2: item?"]


@pytest.mark.parametrize("name", ["excuse", "another name"])
def test_a_fallback_that_changes_undeclared_half_way_starts_anew(kept, name):
    @dialog(name=name)
    def other_words():
        yield send_message("All is new. Alright?")
        yield get_client_response()
        yield get_client_response()

    talk(shop("1"), kept, "", "tea")
    talk(shop("2"), kept, "x", "hm", fallback=excuse())

    result = talk(shop("2"), kept, "this answers nothing", fallback=other_words())
    assert result == DialogStepNotDone(["All is new. Alright?"])


def test_a_dialog_that_changes_while_its_fallback_converses_starts_in_its_newest_version(kept):
    talk(shop("1"), kept, "", "tea")
    talk(shop("2"), kept, "x", fallback=excuse())
    talk(shop("3"), kept, "hm", fallback=excuse())

    assert talk(shop("4"), kept, "yes", fallback=excuse()).messages == ["Shop 4: item?"]


def test_a_restarted_dialog_may_change_again(kept):
    talk(shop("1"), kept, "", "tea")
    talk(shop("2"), kept, "x", fallback=sorry())

    result = talk(shop("3"), kept, "milk", fallback=sorry())

    assert result.messages == ["Sorry, we start anew.", "Shop 3: item?"]


def test_a_fallback_that_fails_undoes_the_turn(kept):
    failing = itertools.count()

    @dialog
    def fallback():
        yield send_message("Sorry.")
        if next(failing) == 0:
            raise LookupError("no reason")

    talk(shop("1"), kept, "", "tea")
    before = kept.log

    with pytest.raises(LookupError, match="no reason"):
        run_gen_dialog(shop("2"), kept, "x", fallback())
    assert kept.log == before
    assert talk(shop("1"), kept, 3).return_value == ("1", "tea", 3)
    kept.log = before
    assert talk(shop("2"), kept, "x", fallback=fallback()).messages == ["Sorry.", "Shop 2: item?"]


def test_a_restarted_dialog_that_fails_undoes_its_fallback_too(kept):
    failing = itertools.count()

    @dialog(version="2")
    def ask():
        if next(failing) == 0:
            raise LookupError("no item")
        yield send_message("Item?")
        return (yield get_client_response())

    talk(shop("1"), kept, "", "tea")
    talk(ask(), kept, "x", "hm", fallback=excuse())
    before = kept.log

    with pytest.raises(LookupError):
        run_gen_dialog(ask(), kept, "yes", excuse())
    assert kept.log == before
    assert talk(ask(), kept, "yes", "milk", fallback=excuse()).return_value == "milk"


@each_style
def test_a_conversation_that_never_started_needs_no_fallback(kept, style):
    result = talk(shop("2", style), kept, "", fallback=sorry())

    assert result == DialogStepNotDone(["Shop 2: item?"])


async def test_versions_and_fallbacks_work_in_async_runs(kept):
    @dialog
    async def fallback():
        await call(asyncio.sleep, 0)
        await send_message("Sorry.")
        await get_client_response()

    results = [
        await run_async_gen_dialog(shop(version), kept, response, fallback())
        for version, response in [("1", ""), ("1", "tea"), ("2", "x"), ("2", "ok"), ("2", "milk")]
    ]

    assert [result.messages for result in results[2:]] == [
        ["Sorry."],
        ["Shop 2: item?"],
        ["Shop 2: how many?"],
    ]


# --- version before name ----------------------------------------------------------------------


def test_the_version_of_the_root_is_compared_before_its_name(kept):
    talk(named("old", "1"), kept, "")

    assert talk(named("new", "2"), kept, "x").messages == ["new 2?"]


def test_another_name_with_the_same_version_is_an_undeclared_difference(kept):
    talk(named("old", "1"), kept, "")

    with pytest.raises(ReplayError, match="the dialog 'old' but the dialog is 'new'"):
        run_gen_dialog(named("new", "1"), kept, "x")
    result = talk(named("new", "1"), kept, "x", fallback=sorry())
    assert result.messages == ["Sorry, we start anew.", "new 1?"]


@each_style
def test_the_version_of_an_open_subdialog_is_compared_before_its_name(kept, style):
    talk(around(named("old", "1"), style), kept, "", "b")

    result = talk(around(named("new", "2"), style), kept, "this answers nothing")

    assert result == DialogStepNotDone(["new 2?"])
    result = talk(around(named("new", "2"), style), kept, "r", "a")
    assert result.return_value == ("b", "r", "a")


@each_style
def test_an_open_subdialog_of_another_name_and_the_same_version_is_refused(kept, style):
    talk(around(named("old", "1"), style), kept, "", "b")
    before = kept.log

    with pytest.raises(ReplayError, match=r"the dialog 'old' but .* the dialog 'new'"):
        run_gen_dialog(around(named("new", "1"), style), kept, "x")
    assert kept.log == before


# --- a subdialog has another version ----------------------------------------------------------


@each_style
def test_a_changed_subdialog_starts_anew_in_its_place(kept, style):
    talk(around(shop("1", style), style), kept, "", "b", "tea")
    edited = around(shop("2", style), style)

    result = talk(edited, kept, "this answers nothing")
    assert result == DialogStepNotDone(["Shop 2: item?"])
    assert talk(edited, kept, "milk").messages == ["Shop 2: how many?"]
    assert talk(edited, kept, 3).messages == ["After?"]
    assert talk(edited, kept, "a").return_value == ("b", ("2", "milk", 3), "a")


@each_style
def test_a_changed_dialog_between_two_starts_anew_with_what_was_inside(kept, style):
    """Given three dialogs, one inside the other; when the one in the middle changes."""

    def nested(version):
        middle = written(
            """
            def middle():
                «send_message("middle")»
                return «inner»
            """,
            style,
            version=version,
            inner=shop("1", style),
        )
        return around(middle(), style)

    talk(nested("1"), kept, "", "b", "tea")

    result = talk(nested("2"), kept, "this answers nothing")

    assert result == DialogStepNotDone(["middle", "Shop 1: item?"])
    assert talk(nested("2"), kept, "milk", 3, "a").return_value == ("b", ("1", "milk", 3), "a")


def test_a_finished_subdialog_may_change_its_version(kept):
    talk(around(shop("1")), kept, "", "b", "tea", 2)

    assert talk(around(shop("2")), kept, "a").return_value == ("b", ("1", "tea", 2), "a")


def test_a_subdialog_that_was_not_reached_may_change_its_version(kept):
    talk(around(shop("1")), kept, "")

    assert talk(around(shop("2")), kept, "b").messages == ["Shop 2: item?"]


@each_style
def test_a_changed_subdialog_with_a_fallback_drops_the_whole_log(kept, style):
    talk(around(shop("1", style), style), kept, "", "b", "tea")
    edited = around(shop("2", style), style)

    result = talk(edited, kept, "x", fallback=sorry())

    assert result == DialogStepNotDone(["Sorry, we start anew.", "Before?"])
    result = talk(edited, kept, "b2", "milk", 3, "a", fallback=sorry())
    assert result.return_value == ("b2", ("2", "milk", 3), "a")


def test_an_outer_difference_is_found_although_the_subdialog_declares_a_change(kept):
    def outer(words, version):
        @dialog
        def outer():
            yield send_message(words)
            return (yield named("inner", version))

        return outer()

    talk(outer("Welcome!", "1"), kept, "")

    with pytest.raises(ReplayError, match="'Hello!'"):
        run_gen_dialog(outer("Hello!", "2"), kept, "x")


def test_a_declared_change_where_the_dialog_now_does_something_else_is_refused(kept):
    @dialog(name="around")
    def without():
        yield send_message("Before?")
        yield get_client_response()
        yield send_message("After?")
        yield get_client_response()

    talk(around(shop("1")), kept, "", "b")

    with pytest.raises(ReplayError, match=r"the dialog 'shop' but .* send_message\('After\?'\)"):
        run_gen_dialog(without(), kept, "x")


# --- undeclared differences -------------------------------------------------------------------


def edited_shop(style="generator"):
    """The shop's first version, with its questions in another order."""
    return written(
        """
        def shop():
            «send_message("Shop 1: how many?")»
            amount = «get_client_response()»
            «send_message("Shop 1: item?")»
            return «get_client_response()», amount
        """,
        style,
        version="1",
    )()


@each_style
def test_an_undeclared_difference_goes_to_the_fallback(kept, style):
    talk(shop("1", style), kept, "", "tea")

    result = talk(edited_shop(style), kept, "x", fallback=sorry())

    assert result == DialogStepNotDone(["Sorry, we start anew.", "Shop 1: how many?"])
    result = talk(edited_shop(style), kept, 3, "milk", fallback=sorry())
    assert result.return_value == ("milk", 3)


@each_style
def test_an_undeclared_difference_without_a_fallback_is_raised(kept, style):
    talk(shop("1", style), kept, "", "tea")
    before = kept.log

    with pytest.raises(ReplayError):
        run_gen_dialog(edited_shop(style), kept, "x")
    assert kept.log == before
    assert talk(shop("1", style), kept, 3).return_value == ("1", "tea", 3)


@each_style
def test_an_undeclared_difference_of_a_subdialog_goes_to_the_fallback_too(kept, style):
    talk(around(shop("1", style), style), kept, "", "b", "tea")

    result = talk(around(edited_shop(style), style), kept, "x", fallback=excuse())
    assert result == DialogStepNotDone(["We have changed. Alright?"])
    result = talk(around(edited_shop(style), style), kept, "hm", "yes", fallback=excuse())
    assert result == DialogStepNotDone(["Before?"])


def test_other_errors_do_not_go_to_the_fallback(kept):
    @dialog
    def never():
        pytest.fail("the fallback ran")

    def asks(failure):
        @dialog
        def ask():
            yield get_client_response()
            failure()
            yield get_client_response()

        return ask()

    def wrong_use():
        raise UsageError("wrong")

    talk(asks(int), kept, "")
    for error, failure in [(ZeroDivisionError, lambda: 1 / 0), (UsageError, wrong_use)]:
        with pytest.raises(error):
            run_gen_dialog(asks(failure), kept, "x", never())


async def test_what_differs_within_one_turn_is_raised_and_does_not_loop_with_a_fallback(kept):
    """Given a plain function that is not deterministic, called again after it awaited."""
    numbers = itertools.count()

    async def fetch():
        return 5

    order = written(
        """
        def order():
            if next(numbers) % 2:
                «call(int)»
            «call(fetch)»
        """,
        "plain",
        numbers=numbers,
        fetch=fetch,
    )

    with pytest.raises(ReplayError):
        await run_async_gen_dialog(order(), kept, "", sorry())
    with pytest.raises(ReplayError):
        await run_async_gen_dialog(order(), kept, "", order())
    assert next(numbers) < 20
