"""Generated conversations: a program, its model, and the log so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import note, strategies as st

from dialogs import ReplayError, UnknownDialog
from tests.generated.frames import Expected, Gone, Mismatch
from tests.generated.model import Model
from tests.generated.programs import Hear, Program
from tests.generated.source import Styles, source
from tests.generated.strategies import programs, styles_for, values
from tests.generated.turns import Ran, Turn, check

RESPONSES = st.lists(values, min_size=3, max_size=6)


class Script:
    """One generated conversation."""

    def __init__(self, data: st.DataObject, *, can_await: bool = False, depth: int = 3) -> None:
        self.data = data
        self.can_await = can_await
        self.program: Program = data.draw(programs(can_await=can_await, depth=depth), "program")
        self.responses: list[Any] = data.draw(RESPONSES, "responses")
        self.model = Model(self.program)
        self.log: bytes | None = None
        self.styles = self.draw_styles()

    def draw_styles(self, program: Program | None = None) -> Styles:
        """Styles for the dialogs of this program, or of another one."""
        styles = self.data.draw(styles_for(program or self.program), "styles")
        note(source(program or self.program, styles))
        return styles

    def turns(self) -> Iterator[tuple[Any, Expected]]:
        """Each response with what the model makes of it, until the conversation ends."""
        for response in self.responses:
            expected = self.model.turn(response)
            yield response, expected
            if expected.done or expected.error is not None:
                return

    def run(self, runner: str, response: Any, expected: Expected, **options: Any) -> Ran:
        """Run a turn and compare it with the model's, where it is not to crash."""
        turn = Turn(self.program, options.pop("styles", self.styles), runner, **options)
        ran = turn.run(self.log, response, expected.drawn)
        if turn.crash is None:
            check(turn, ran, expected)
        return ran


def open_script(data: st.DataObject, **options: Any) -> tuple[Script, Any]:
    """A conversation that waits, and the response that it gets next."""
    script = Script(data, **options)
    waiting = _turns_that_wait(script)
    if waiting == 0:
        script.program = replace(script.program, body=(Hear(), *script.program.body))
        waiting = 1
    script.model = Model(script.program)
    length = data.draw(st.integers(1, min(waiting, len(script.responses) - 1)), "length")
    runner = "asyncio" if script.can_await else "run_gen_dialog"
    for _, (response, expected) in zip(range(length), script.turns(), strict=False):
        script.log = script.run(runner, response, expected).log
    return script, script.responses[length]


def _turns_that_wait(script: Script) -> int:
    return sum(not expected.done and expected.error is None for _, expected in script.turns())


def go_on(script: Script, response: Any, edited: Program, fallback: Program | None = None) -> None:
    """Give an edited program the open conversation, and compare it with the model."""
    runner = "asyncio" if script.can_await else "run_gen_dialog"
    model = Model(edited, fallback, script.model.frames, script.model.world.drawn)
    styles = script.draw_styles(edited)
    if fallback is not None:
        styles = {**styles, **script.draw_styles(fallback)}
    for number, answer in enumerate([response, *script.responses]):
        turn = Turn(edited, styles, runner, fallback)
        drawn = model.world.drawn
        try:
            expected = model.turn(answer)
        except (Mismatch, Gone) as difference:
            ran = turn.run(script.log, answer, drawn)
            kind = UnknownDialog if isinstance(difference, Gone) else ReplayError
            assert isinstance(ran.error, kind), ran
            assert ran.log == script.log
            assert number == 0
            assert ran.world.performed == []
            return
        ran = turn.run(script.log, answer, drawn)
        check(turn, ran, expected)
        script.log = ran.log
        if expected.done or expected.error is not None:
            return
