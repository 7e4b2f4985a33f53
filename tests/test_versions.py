import asyncio
import gc
import itertools

import pytest

from dialogs import (
    DialogStepDone,
    DialogStepNotDone,
    InMemoryPersistence,
    LogError,
    NotSerializable,
    ReplayError,
    UsageError,
    call,
    continue_as_new,
    dialog,
    gather,
    get_client_response,
    run_async_gen_dialog,
    run_gen_dialog,
    send_message,
)
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


def talk(dialog, kept, *responses, fallback=None):
    """Give a conversation one response after another; the result of the last.

    Each turn starts from the log's bytes alone.
    """
    for response in responses:
        kept.log = None if kept.log is None else bytes(bytearray(kept.log))
        result = run_gen_dialog(dialog, kept, response, fallback)
    return result


SHOP = """
    def shop():
        «send_message("Shop {version}: item?")»
        item = «get_client_response()»
        «send_message("Shop {version}: how many?")»
        amount = «get_client_response()»
        return "{version}", item, amount
"""


def shop(version, style="generator"):
    return written(SHOP.replace("{version}", version), style, version=version)()


@dialog
def sorry():
    yield send_message("Sorry, we start anew.")


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


def named(name, version):
    @dialog(name=name, version=version)
    def ask():
        yield send_message(f"{name} {version}?")
        return (yield get_client_response())

    return ask()


def test_the_version_of_the_root_is_compared_before_its_name(kept):
    talk(named("old", "1"), kept, "")

    assert talk(named("new", "2"), kept, "x").messages == ["new 2?"]


def test_another_name_with_the_same_version_is_an_undeclared_difference(kept):
    talk(named("old", "1"), kept, "")

    with pytest.raises(ReplayError, match="the dialog 'old' but the dialog is 'new'"):
        run_gen_dialog(named("new", "1"), kept, "x")
    result = talk(named("new", "1"), kept, "x", fallback=sorry())
    assert result.messages == ["Sorry, we start anew.", "new 1?"]


def around(inner, style="generator"):
    """A dialog that runs another one between two questions of its own."""
    return written(
        """
        def around():
            «send_message("Before?")»
            before = «get_client_response()»
            result = «inner»
            «send_message("After?")»
            return before, result, «get_client_response()»
        """,
        style,
        inner=inner,
    )()


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


# --- continue_as_new --------------------------------------------------------------------------


COUNT = """
    def count(total=0, limit=3):
        «send_message(f"{total} so far.")»
        total += «get_client_response()»
        if total >= limit:
            return total
        «continue_as_new(count(total, limit=limit))»
        «send_message("never said")»
"""


def count(style="generator"):
    return written(COUNT, style)()


@each_style
def test_a_dialog_goes_on_as_itself_with_an_empty_frame(kept, style):
    sizes = []
    talk(count(style), kept, "")
    for _ in range(2):
        result = talk(count(style), kept, 1)
        sizes.append(len(kept.log))
    assert result == DialogStepNotDone(["2 so far."])
    assert sizes[0] == sizes[1]
    assert talk(count(style), kept, 1) == DialogStepDone(3, [])


@each_style
def test_the_arguments_of_the_new_round_are_recorded_and_not_shared(kept, style):
    kept_arguments = []
    order = written(
        """
        def order(basket=()):
            seen.append(basket)
            item = «get_client_response()»
            if item == "done":
                return basket
            basket = [*basket, item]
            «continue_as_new(order(basket))»
        """,
        style,
        seen=kept_arguments,
    )

    result = talk(order(), kept, "", "tea", "milk", "done")

    assert result.return_value == ["tea", "milk"]
    assert kept_arguments[-1] == ["tea", "milk"]


def test_arguments_that_the_log_cannot_keep_are_refused(kept):
    @dialog
    def order(thing=None):
        yield continue_as_new(order(thing=object()))

    with pytest.raises(NotSerializable, match="the arguments of the dialog 'order'"):
        run_gen_dialog(order(), kept, "")


@each_style
def test_a_subdialog_may_go_on_as_new_inside_another(kept, style):
    outer = written(
        """
        def outer():
            «send_message("Count to three.")»
            return «count», «get_client_response()»
        """,
        style,
        count=count(style),
    )

    result = talk(outer(), kept, "", 1, 1)
    assert result.messages == ["2 so far."]
    assert talk(outer(), kept, 1, "bye").return_value == (3, "bye")


@each_style
def test_blocks_are_left_when_a_dialog_goes_on_as_new(kept, style):
    seen = []
    order = written(
        """
        def order(number=0):
            try:
                if number < 2:
                    «continue_as_new(order(number + 1))»
            except Exception:
                seen.append("caught")
            finally:
                seen.append(number)
            return "done"
        """,
        style,
        seen=seen,
    )

    assert talk(order(), kept, "").return_value == "done"
    assert seen == [0, 1, 2]


def test_an_endless_loop_costs_the_same_in_every_round(kept):
    @dialog
    def echo():
        answer = yield get_client_response()
        yield send_message(answer)
        yield continue_as_new(echo())

    talk(echo(), kept, "")
    sizes = set()
    for _ in range(200):
        talk(echo(), kept, "x")
        sizes.add(len(kept.log))

    assert max(sizes) - min(sizes) <= 2


def pair(second_version="1", words="Second?"):
    """A dialog that goes on as another one."""

    @dialog(version=second_version)
    def second(name):
        yield send_message(words)
        return name, (yield get_client_response())

    @dialog(version="1")
    def first():
        yield send_message("First?")
        name = yield get_client_response()
        yield continue_as_new(second(name))

    return first, second


def test_a_dialog_goes_on_as_another_one_which_is_found_by_its_name(kept):
    first, second = pair()
    assert talk(first(), kept, "", "Ada").messages == ["Second?"]
    del first, second
    gc.collect()

    first, _second = pair()  # As in another process.
    assert talk(first(), kept, "x") == DialogStepDone(("Ada", "x"), [])


def test_a_dialog_that_nobody_imported_is_an_error_that_says_so(kept):
    first, second = pair()
    talk(first(), kept, "", "Ada")
    before = kept.log
    del second
    first = named("first", "1")
    gc.collect()

    with pytest.raises(LogError, match=r"'second'.*[Ii]mport"):
        run_gen_dialog(first, kept, "x")
    assert kept.log == before
    result = talk(first, kept, "x", fallback=sorry())
    assert result.messages == ["Sorry, we start anew.", "first 1?"]


def test_a_continued_dialog_with_another_version_starts_the_root_anew(kept):
    first, _second = pair("1")
    talk(first(), kept, "", "Ada")

    first, _second = pair("2")
    assert talk(first(), kept, "x") == DialogStepNotDone(["First?"])


def test_a_continued_dialog_with_another_version_goes_to_the_fallback(kept):
    first, _second = pair("1")
    talk(first(), kept, "", "Ada")

    first, _second = pair("2")
    result = talk(first(), kept, "x", fallback=sorry())
    assert result.messages == ["Sorry, we start anew.", "First?"]


def test_a_continued_subdialog_with_another_version_starts_anew_in_its_place(kept):
    first, _second = pair("1")
    talk(around(first()), kept, "", "b", "Ada")

    first, _second = pair("2")
    assert talk(around(first()), kept, "x") == DialogStepNotDone(["First?"])
    assert talk(around(first()), kept, "Ada", "s", "a").return_value == ("b", ("Ada", "s"), "a")


def test_a_continued_dialog_is_checked_against_its_log(kept):
    first, _second = pair()
    talk(first(), kept, "", "Ada")

    first, _second = pair(words="Other?")
    with pytest.raises(ReplayError, match=r"dialog 'second' v1.* send_message\('Other\?'\)"):
        run_gen_dialog(first(), kept, "x")
    result = talk(first(), kept, "x", fallback=sorry())
    assert result.messages == ["Sorry, we start anew.", "First?"]


def test_a_continued_dialog_that_takes_other_arguments_now_is_an_undeclared_difference(kept):
    @dialog
    def order(item="tea"):
        yield get_client_response()
        yield continue_as_new(order("milk"))

    talk(order(), kept, "", "x")
    before = kept.log
    name = "order"

    @dialog(name=name)
    def order_without():
        yield get_client_response()

    with pytest.raises(ReplayError, match="arguments"):
        run_gen_dialog(order_without(), kept, "x")
    assert kept.log == before
    result = talk(order_without(), kept, "x", fallback=sorry())
    assert result == DialogStepNotDone(["Sorry, we start anew."])


def test_the_version_of_a_dialog_that_went_on_as_another_one_does_not_matter_any_more(kept):
    first, second = pair()
    talk(first(), kept, "", "Ada")

    edited = dialog(version="7", name="first")(first.__wrapped__)
    assert talk(edited(), kept, "x").return_value == ("Ada", "x")
    assert second


def test_going_on_as_one_of_two_dialogs_of_the_same_name_is_refused(kept):
    """Also where there is a fallback: it is the author's mistake, and no change."""

    @dialog(name="twin")
    def one():
        return (yield get_client_response())

    @dialog(name="twin")
    def two():
        return (yield get_client_response())

    @dialog
    def first():
        yield get_client_response()
        yield continue_as_new(one())

    talk(first(), kept, "")
    before = kept.log

    for fallback in [None, sorry()]:
        with pytest.raises(UsageError, match=r"twin.*@dialog\(name="):
            run_gen_dialog(first(), kept, "x", fallback)
    assert kept.log == before
    assert two


def test_two_dialogs_of_one_name_may_be_used_in_every_other_way(kept):
    @dialog(name="ask")
    def one():
        return 1, (yield get_client_response())

    @dialog(name="ask")
    def two():
        return 2, (yield get_client_response())

    @dialog
    def both():
        return (yield one()), (yield two())

    assert talk(both(), kept, "", "a", "b").return_value == ((1, "a"), (2, "b"))


@each_style
@pytest.mark.parametrize("step", ["send_message('x')", "5", "None", "order", "gather()"])
def test_going_on_with_something_else_is_refused(kept, style, step):
    order = written(f"def order():\n    «continue_as_new({step})»", style)

    with pytest.raises(UsageError, match=r"continue_as_new\(some_dialog\(\.\.\.\)\)"):
        run_gen_dialog(order(), kept, "")


def test_going_on_as_new_inside_a_gather_is_refused(kept):
    @dialog
    def order():
        yield gather(call(int), continue_as_new(order()))

    with pytest.raises(UsageError, match="continue_as_new"):
        run_gen_dialog(order(), kept, "")


def test_a_dialog_inside_a_gather_may_go_on_as_new(kept):
    @dialog
    def down(number):
        yield send_message(number)
        if number:
            yield continue_as_new(down(number - 1))
        return "landed"

    result = run_gen_dialog(gather(down(2), down(1)), kept, "")

    assert result == DialogStepDone(["landed", "landed"], [2, 1, 0, 1, 0])


@pytest.mark.parametrize(("before", "after"), [*itertools.permutations(STYLES, 2)])
def test_a_round_may_be_finished_in_another_style(kept, before, after):
    talk(count(before), kept, "", 1)

    assert talk(count(after), kept, 2).return_value == 3


@pytest.mark.parametrize(("root", "other"), [*itertools.product(STYLES, repeat=2)])
def test_a_dialog_of_any_style_may_go_on_as_one_of_any_other(kept, root, other):
    last_one = written("def last_one(name):\n    return name, «get_client_response()»", other)
    first = written(
        """
        def first():
            name = «get_client_response()»
            «continue_as_new(last_one(name))»
        """,
        root,
        last_one=last_one,
    )

    assert talk(first(), kept, "", "Ada", "x").return_value == ("Ada", "x")
