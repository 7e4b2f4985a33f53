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
    run_gen_dialog,
    send_message,
)
from tests.shops import around, named, sorry
from tests.talking import talk
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


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
    def the_second(name):
        yield send_message(words)
        return name, (yield get_client_response())

    @dialog(version="1")
    def first():
        yield send_message("First?")
        name = yield get_client_response()
        yield continue_as_new(the_second(name))

    return first, the_second


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

    with pytest.raises(LogError, match=r"'the_second'.*[Ii]mport"):
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
    with pytest.raises(ReplayError, match=r"dialog 'the_second' v1.* send_message\('Other\?'\)"):
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
    del second  # It had to stay alive until here.


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
    del two  # It had to stay alive until here.


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
