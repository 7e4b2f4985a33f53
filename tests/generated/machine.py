"""One conversation under random turns: any runner, any style, crashes, and turns given twice."""

from __future__ import annotations

from typing import Any

from hypothesis import note, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dialogs import ReplayError
from tests.generated.frames import Expected
from tests.generated.model import Model
from tests.generated.programs import Program, Say
from tests.generated.source import source
from tests.generated.strategies import programs, styles_for, values
from tests.generated.turns import (
    ASYNC_RUNNERS,
    RUNNERS,
    Ran,
    Turn,
    can_await,
    check,
    needs_loop,
    was_crash,
)


class ConversationMachine(RuleBasedStateMachine):
    """Compares one conversation with the model, whatever is done to it."""

    @initialize(program=st.booleans().flatmap(lambda later: programs(can_await=later)))
    def begin(self, program: Program) -> None:
        self.program = program
        self.model = Model(program)
        self.log: bytes | None = None
        self.answered: list[Any] = []
        self.keys: set[str] = set()
        self.last: Expected | None = None

    @property
    def done(self) -> bool:
        return self.last is not None and self.last.done

    def draw_turn(self, data: st.DataObject, crash: tuple[int, str] | None = None) -> Turn:
        styles = data.draw(styles_for(self.program), "styles")
        note(source(self.program, styles))
        return Turn(
            self.program, styles, data.draw(st.sampled_from(RUNNERS), "runner"), None, crash
        )

    def expect(self, response: Any) -> Expected:
        """What the model makes of a response; it forgets it again where the turn fails."""
        expected = self.model.turn(response)
        if expected.error is not None:
            self.forget()
        return expected

    def forget(self) -> None:
        """Have the model be where the log is."""
        self.model = Model(self.program)
        for response in self.answered:
            self.model.turn(response)

    def keep(self, response: Any, ran: Ran, expected: Expected) -> None:
        if ran.error is None:
            self.answered.append(response)
            self.log, self.last = ran.log, expected
            assert not self.keys & set(ran.world.keys), "a key was used in an earlier turn"
            self.keys |= set(ran.world.keys)

    @precondition(lambda self: not self.done)
    @rule(data=st.data(), response=values)
    def answer(self, data: st.DataObject, response: Any) -> None:
        turn, expected = self.draw_turn(data), self.expect(response)
        ran = turn.run(self.log, response, expected.drawn)
        check(turn, ran, expected)
        if ran.error is not None and expected.error is None:
            self.forget()  # it had to be awaited, and the run could not
        self.keep(response, ran, expected)

    @precondition(lambda self: not self.done)
    @rule(data=st.data(), response=values, at=st.integers(0, 5), after=st.booleans())
    def crash(self, data: st.DataObject, response: Any, at: int, after: bool) -> None:
        turn = self.draw_turn(data, (at, "after" if after else "before"))
        expected = self.expect(response)
        ran = turn.run(self.log, response, expected.drawn)
        if at >= len(expected.performed):
            check(turn, ran, expected)
        elif can_await(turn) or not needs_loop(turn, expected):
            assert was_crash(ran.error), ran.error
        if ran.error is not None and expected.error is None:
            self.forget()
        self.keep(response, ran, expected)

    @precondition(lambda self: not self.done)
    @rule(data=st.data(), response=values)
    def lose_the_log_before_it_is_kept(self, data: st.DataObject, response: Any) -> None:
        turn, drawn = self.draw_turn(data, (0, "save")), self.model.world.drawn
        assert turn.run(self.log, response, drawn).error is not None

    @precondition(lambda self: not self.done and self.model.frames)
    @rule(data=st.data(), response=values)
    def try_another_dialog(self, data: st.DataObject, response: Any) -> None:
        stranger = Program((Say("Who are you?"),), "stranger")
        if self.model.frames[0].turn is None:
            ran = Turn(stranger, {}, data.draw(st.sampled_from(RUNNERS))).run(self.log, response)
            assert isinstance(ran.error, ReplayError)

    @precondition(lambda self: self.done)
    @rule(data=st.data(), response=values)
    def answer_after_the_end(self, data: st.DataObject, response: Any) -> None:
        turn = self.draw_turn(data)
        again = Expected(0, [], 0, done=True, result=self.last.result if self.last else None)
        ran = turn.run(self.log, response)
        check(turn, ran, again)
        assert ran.log == self.log

    @precondition(lambda self: not self.done and self.answered)
    @rule(data=st.data())
    def start_over(self, data: st.DataObject) -> None:
        """A turn is a function of the log: the same responses lead to the same log."""
        log, runner = None, data.draw(st.sampled_from(ASYNC_RUNNERS), "runner")
        styles, model = data.draw(styles_for(self.program), "styles"), Model(self.program)
        for response in self.answered:
            expected = model.turn(response)
            log = Turn(self.program, styles, runner).run(log, response, expected.drawn).log
        assert log == self.log

    @invariant()
    def the_log_is_kept(self) -> None:
        assert bool(self.answered) == (self.log is not None)
