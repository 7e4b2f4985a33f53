import pytest

from dialogs import (
    InMemoryPersistence,
    run_gen_dialog,
)
from tests.talking import refused, talk
from tests.written import STYLES, written

each_style = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def kept():
    return InMemoryPersistence()


# --- patched ----------------------------------------------------------------------------------

OLD_LOOP = """
    def order():
        answers = []
        for number in range(4):
            «send_message(f"Question {number}?")»
            answers.append(«get_client_response()»)
        return answers
"""

# Where the change stands in the loop; in a running turn it is reached new right after it.
NEW_LOOPS = {
    "before the question": """
    def order():
        answers = []
        for number in range(4):
            answers.append(«patched("new")»)
            «send_message(f"Question {number}?")»
            answers.append(«get_client_response()»)
        return answers
    """,
    "before the wait": """
    def order():
        answers = []
        for number in range(4):
            «send_message(f"Question {number}?")»
            answers.append(«patched("new")»)
            answers.append(«get_client_response()»)
        return answers
    """,
    "after the wait": """
    def order():
        answers = []
        for number in range(4):
            «send_message(f"Question {number}?")»
            answer = «get_client_response()»
            answers.append(«patched("new")»)
            answers.append(answer)
        return answers
    """,
}


@each_style
@pytest.mark.parametrize("place", NEW_LOOPS)
@pytest.mark.parametrize("before_edit", range(5))
def test_patched_is_false_where_the_log_passed_before_the_change(kept, style, place, before_edit):
    """Given some turns of the old code; when the new code takes over."""
    old, new = written(OLD_LOOP, style)(), written(NEW_LOOPS[place], style)()
    responses = ["", "a", "b", "c", "d"]
    for response in responses[:before_edit]:
        talk(old, kept, response)
    result = None
    for response in responses[before_edit:]:
        result = talk(new, kept, response)
    if before_edit == 5:
        return

    # The last wait of the old code is pending, and the log has passed all that stands before it.
    passed = before_edit - 1 if place == "after the wait" else before_edit
    expected = []
    for number, answer in enumerate("abcd"):
        expected += [number >= passed, answer]
    assert result.return_value == expected


@each_style
def test_patched_says_the_same_on_every_replay(kept, style):
    seen = []
    order = written(
        """
        def order():
            seen.append(«patched("new")»)
            «get_client_response()»
            seen.append(«patched("newer")»)
            «get_client_response()»
        """,
        style,
        seen=seen,
    )()

    talk(order, kept, "", "a", "b")

    assert seen == [True, True, True, True, True]


@each_style
def test_code_guarded_by_patched_may_have_steps_on_both_sides(kept, style):
    old = """
        def order():
            «send_message("Item?")»
            item = «get_client_response()»
            amount = «get_client_response()»
            return item, amount
    """
    new = """
        def order():
            if «patched("greeting")»:
                «send_message("Welcome!")»
            «send_message("Item?")»
            item = «get_client_response()»
            if not «patched("no amount")»:
                amount = «get_client_response()»
            else:
                amount = «call(int, 1)»
            return item, amount
    """
    fresh = InMemoryPersistence()
    talk(written(old, style)(), kept, "", "tea")

    assert talk(written(new, style)(), kept, "2").return_value == ("tea", "2")
    assert run_gen_dialog(written(new, style)(), fresh, "").messages == ["Welcome!", "Item?"]
    assert talk(written(new, style)(), fresh, "tea").return_value == ("tea", 1)


@each_style
def test_several_changes_at_one_point_are_told_apart(kept, style):
    text = """
        def order():
            changes = []
            {0}
            «send_message("Item?")»
            «get_client_response()»
            {0}
            return changes
    """
    line = "changes.append(«patched({0!r})»)"
    only_b = written(text.format(line.format("b")), style)()
    all_three = written(text.format("; ".join(line.format(each) for each in "abc")), style)()
    talk(only_b, kept, "")

    assert talk(all_three, kept, "x").return_value == [False, True, False, True, True, True]


@each_style
def test_taking_away_a_change_that_a_log_has_is_refused(kept, style):
    text = """
        def order():
            {0}
            «send_message("Item?")»
            «get_client_response()»
    """
    talk(written(text.format('«patched("new")»'), style)(), kept, "")

    error = refused(written(text.format("pass"), style)(), kept)

    assert error.logged == "patched('new')"


@each_style
def test_patched_works_in_open_and_in_finished_subdialogs(kept, style):
    old = """
        def size():
            «send_message("Size?")»
            return «get_client_response()»

        def order():
            return «size()», «size()»
    """
    new = """
        def size():
            new = «patched("new size")»
            «send_message("Size?")»
            return new, «get_client_response()»

        def order():
            return «size()», «size()»
    """
    talk(written(old, style)(), kept, "")

    result = talk(written(new, style)(), kept, "S", "M")

    assert result.return_value == ((False, "S"), (True, "M"))
