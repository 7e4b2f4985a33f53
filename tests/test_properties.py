"""What holds for every dialog, tried with generated ones; see `tests/generated/`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, assume, given, settings, strategies as st

from dialogs.drivers import drive
from dialogs.log import CONSUMED, Log
from dialogs.resume import resume
from tests.generated.changes import changes, guarded_inserts, new_versions
from tests.generated.frames import Expected
from tests.generated.machine import ConversationMachine
from tests.generated.model import Model
from tests.generated.processes import run_in_fresh_process
from tests.generated.programs import Call, Guard, Hear, Program, Return, Sub, Try
from tests.generated.scripts import Script, go_on, open_script
from tests.generated.strategies import programs, values
from tests.generated.turns import (
    ASYNC_RUNNERS,
    SYNC_RUNNERS,
    Turn,
    needs_loop,
    was_crash,
)
from tests.generated.world import World, installed, typed


def examples(share: float) -> Any:
    """Settings with that share of the profile's examples."""
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    count = max(1, int(settings().max_examples * share))
    return settings(max_examples=count, suppress_health_check=slow)


# --- replay ---------------------------------------------------------------------------------------


@examples(0.6)
@given(st.data())
def test_reloading_from_bytes_before_every_message_equals_never_reloading(data):
    script = Script(data)
    for response, expected in script.turns():
        runner = data.draw(st.sampled_from(SYNC_RUNNERS))
        script.log = script.run(runner, response, expected).log


@examples(0.6)
@given(st.data())
def test_reloading_equals_never_reloading_for_dialogs_that_await(data):
    script = Script(data, can_await=True)
    for response, expected in script.turns():
        runner = data.draw(st.sampled_from(ASYNC_RUNNERS))
        script.log = script.run(runner, response, expected).log


@examples(0.4)
@given(st.data())
def test_replay_of_a_full_log_performs_nothing_and_says_nothing(data):
    script = Script(data)
    for response, expected in script.turns():
        if expected.error is not None:
            return
        script.log = script.run("run_gen_dialog", response, expected).log
        world = World(script.model.world.drawn)
        turn = Turn(script.program, script.draw_styles())
        with installed(world):
            again = drive(resume(script.log, turn.build(world), None, None, can_await=False))
        assert (again.log, again.messages, again.done) == (script.log, [], expected.done)
        assert typed(again.result) == typed(expected.result)
        assert world.performed == []


@examples(0.4)
@given(st.data())
def test_a_dialog_that_is_done_gives_its_result_again_and_says_nothing(data):
    script = Script(data)
    for response, expected in script.turns():
        assume(expected.error is None)
        script.log = script.run("run_gen_dialog", response, expected).log
    assume(expected.done)
    again = Expected(expected.drawn, [], 0, done=True, result=expected.result)
    for runner in data.draw(st.permutations((*SYNC_RUNNERS, *ASYNC_RUNNERS))):
        ran = script.run(runner, data.draw(values), again, styles=script.draw_styles())
        assert ran.log == script.log


# --- runners and styles ---------------------------------------------------------------------------


@examples(0.4)
@given(st.data())
def test_sync_equals_async(data):
    script = Script(data)
    for response, expected in script.turns():
        runners = ("run_gen_dialog", "run_dialog", "asyncio", "asyncio, async persistence", "trio")
        logs = {script.run(runner, response, expected).log for runner in runners}
        assert len(logs) == 1
        [script.log] = logs


@examples(0.4)
@given(st.data())
def test_all_styles_write_equal_bytes_and_any_finishes_what_another_began(data):
    script = Script(data, can_await=True)
    for response, expected in script.turns():
        styles = [script.draw_styles() for _ in range(2)]
        logs = {script.run("asyncio", response, expected, styles=each).log for each in styles}
        assert len(logs) == 1
        [script.log] = logs


@examples(0.4)
@given(st.data())
def test_a_sync_run_refuses_what_must_be_awaited_and_an_async_run_goes_on(data):
    script = Script(data, can_await=True)
    for response, expected in script.turns():
        refused = script.run("run_gen_dialog", response, expected)
        if needs_loop(Turn(script.program, script.styles), expected):
            assert refused.log == script.log
        script.log = script.run("asyncio", response, expected).log


# --- what is kept ---------------------------------------------------------------------------------


def _finished_inside(body: Any) -> Program:
    """A dialog that waits once more after a dialog with this body has finished inside it."""
    inner = Program(
        (Try((Sub(Program(body, "inside")),), "Exception", ()), Return("nothing")), "sub"
    )
    return Program((Sub(inner), Hear()), "main")


@examples(0.4)
@given(st.data())
def test_a_finished_subdialog_is_one_record_whatever_happened_inside(data):
    script = Script(data, depth=2)
    script.program = _finished_inside(script.program.body)
    script.styles = script.draw_styles()
    script.model = Model(script.program)
    for response, expected in script.turns():
        script.log = script.run("run_gen_dialog", response, expected).log
        if expected.error is not None or len(script.model.frames) == 1:
            break
    assume(expected.error is None and len(script.model.frames) == 1)
    empty = Turn(_finished_inside(())).run(None, "")
    assert len(Log.decode(script.log)) == 1
    assert len(script.log) == len(empty.log)


@examples(0.4)
@given(st.data())
def test_the_log_has_one_record_for_each_step_and_says_which_took_an_answer(data):
    script = Script(data, can_await=True)
    for response, expected in script.turns():
        script.log = script.run("asyncio", response, expected).log
        if expected.error is None and not expected.done:
            log = Log.decode(script.log)
            consumed = [
                [bool(int(log.table[ord(code)][0]) & CONSUMED) for code in frame.codes]
                for frame in log.frames
            ]
            assert consumed == [frame.consumed for frame in script.model.frames]


# --- crashes --------------------------------------------------------------------------------------


def _crash_everywhere(script: Script, runner: str, ways: tuple[str, ...]) -> None:
    if script.data.draw(st.booleans(), "says goodbye"):
        paid = Guard((Call("pay"),), says=True)
        script.program = replace(script.program, body=(paid, *script.program.body))
        script.styles, script.model = script.draw_styles(), Model(script.program)
    for response, expected in script.turns():
        crashes = [(at, way) for at in range(len(expected.performed)) for way in ways]
        tries = [
            (way, script.run(runner, response, expected, crash=(at, way)))
            for at, way in [*script.data.draw(st.permutations(crashes))[:4], (0, "save")]
        ]
        ran = script.run(runner, response, expected)
        for way, failed in tries:
            if way == "cancel" and not was_crash(failed.error):
                continue  # nothing was awaited there
            if way != "save" or expected.error is None:
                assert was_crash(failed.error), failed.error
            assert failed.log == script.log
            done, keys = ran.world.performed, ran.world.keys
            for key, effect in zip(failed.world.keys, failed.world.performed, strict=True):
                assert (key, effect) in zip(keys, done, strict=True)
        script.log = ran.log


@examples(0.4)
@given(st.data())
def test_a_crash_at_any_effect_and_a_retry_equals_no_crash(data):
    _crash_everywhere(Script(data, depth=2), "run_gen_dialog", ("before", "after"))


@examples(0.4)
@given(st.data())
def test_a_crash_or_a_cancellation_in_an_async_run_and_a_retry_equals_no_crash(data):
    script = Script(data, can_await=True, depth=2)
    _crash_everywhere(script, "asyncio", ("before", "after", "cancel"))


@examples(0.03)
@given(st.data())
def test_a_fresh_process_for_each_turn_equals_one_process(data):
    script = Script(data, depth=2)
    for seed, (response, expected) in enumerate(script.turns(), 1):
        ran = script.run("run_gen_dialog", response, expected)
        found = run_in_fresh_process(
            Turn(script.program, script.draw_styles()), script.log, response, expected.drawn, seed
        )
        assert found.log == ran.log
        assert found.rest == repr((typed(ran.messages), typed(ran.result), ran.world.performed))
        script.log = ran.log


# --- edits ----------------------------------------------------------------------------------------


@examples(1)
@given(st.data())
def test_an_edit_under_an_open_conversation_is_refused_or_lies_beyond_it(data):
    script, response = open_script(data)
    go_on(script, response, data.draw(changes(script.program), "edited"))


@examples(0.6)
@given(st.data())
def test_an_edit_under_an_open_async_conversation_is_refused_or_lies_beyond_it(data):
    script, response = open_script(data, can_await=True)
    go_on(script, response, data.draw(changes(script.program, can_await=True), "edited"))


@examples(0.6)
@given(st.data())
def test_an_insert_guarded_by_patched_is_never_refused(data):
    script, response = open_script(data)
    edited = data.draw(guarded_inserts(script.program), "edited")
    # The model raises a Mismatch where it has to be refused.
    Model(edited, None, script.model.frames, script.model.world.drawn).turn(response)
    go_on(script, response, edited)


@examples(0.4)
@given(st.data())
def test_a_dialog_of_another_version_starts_anew_in_its_place(data):
    script, response = open_script(data)
    go_on(script, response, data.draw(new_versions(script.program), "edited"))


@examples(0.6)
@given(st.data())
def test_an_edited_dialog_starts_anew_after_its_fallback(data):
    script, response = open_script(data, depth=2)
    edited = data.draw(st.one_of(changes(script.program), new_versions(script.program)), "edited")
    fallback = data.draw(programs(depth=2, prefix="fallback"), "fallback")
    go_on(script, response, edited, fallback)


# --- leaving --------------------------------------------------------------------------------------


@examples(0.4)
@given(st.data())
def test_each_suspension_runs_finally_blocks_innermost_first(data):
    script = Script(data, depth=2)
    inner = Program((Guard((*script.program.body, Hear()), "with", "inner"),), "inner")
    script.program = Program((Guard((Sub(inner), Hear()), "finally", "outer"),), "outer")
    script.styles, script.model = script.draw_styles(), Model(script.program)
    for response, expected in script.turns():
        ran = script.run("run_gen_dialog", response, expected)
        if not expected.done and expected.error is None:
            open_blocks = [guard.label for frame in script.model.frames for guard in frame.guards]
            left = [label for _, label in ran.world.notes[-len(open_blocks) :]]
            assert left == open_blocks[::-1]
            assert left[-1] == "outer"
        script.log = ran.log


# --- everything at once ---------------------------------------------------------------------------


TestAConversationUnderRandomTurns = ConversationMachine.TestCase
TestAConversationUnderRandomTurns.settings = settings(examples(0.3), stateful_step_count=12)
