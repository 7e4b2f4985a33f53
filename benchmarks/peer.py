"""Against dialogs-framework: rows 'dialogs-framework ...'.

Its `PersistenceProvider` is implemented here, once over JSON and once over live objects. JSON is
written in two ways: with `dataclasses.asdict`, which its state class invites to, and with
`default=vars`, the fastest plain way found. Reading is its own `state_from_dict` in both.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import dialogs_framework as peer

from benchmarks.conversations import answer_of, candidate, questions_dialog
from benchmarks.measure import (
    Candidate,
    Effort,
    Row,
    Rows,
    Target,
    check_same_work,
    ratios,
    rounds_of,
)

FASTER = {turns: Target(limit, at_least=True) for turns, limit in ((10, 25), (100, 35), (1000, 45))}
FASTER_THAN_LIVE = {turns: Target(4, at_least=True) for turns in FASTER}


@peer.dialog()
def draw() -> float:
    return random.random()


@peer.dialog()
def questions() -> Any:
    """The benchmark dialog, as the other library writes it."""
    number = 0
    while True:
        yield peer.send_message(f"Question {number}?")
        yield peer.get_client_response()
        yield draw()
        number += 1


class Live(peer.PersistenceProvider):
    """Keeps the state as the object it is."""

    def __init__(self, state: Any = None) -> None:
        self.state = state

    def get_state(self, dialog: Any) -> Any:
        if self.state is None:
            self.state = peer.new_empty_state(dialog)
        return self.state

    def save_state(self, state: Any) -> None:
        self.state = state


class Json(peer.PersistenceProvider):
    """Keeps the state as JSON text."""

    def __init__(self, text: str, write: Callable[[Any], str]) -> None:
        self.text = text
        self.write = write

    def get_state(self, _dialog: Any) -> Any:
        return peer.state_from_dict(json.loads(self.text))

    def save_state(self, state: Any) -> None:
        self.text = self.write(state)


def write_asdict(state: Any) -> str:
    return json.dumps(asdict(state))


def write_vars(state: Any) -> str:
    return json.dumps(state, default=vars)


def state_after(turns: int) -> Any:
    kept = Live()
    random.seed(0)
    peer.run_gen_dialog(questions(), kept, "")
    for turn in range(turns):
        peer.run_gen_dialog(questions(), kept, answer_of(turn))
    return kept.state


def answers_of(state: Any) -> list[Any]:
    """All answers that a state keeps, of the one dialog in it."""
    steps = state.subdialogs[0].subdialogs
    return [step.result.return_value for step in steps if step.result is not None]


def candidates(turns: int) -> dict[str, Candidate]:
    answer = answer_of(turns)
    text = write_vars(state_after(turns))

    def reply(kept: Any) -> Any:
        return peer.run_gen_dialog(questions(), kept, answer), kept

    def done(outcome: Any) -> Any:
        step, kept = outcome
        state = kept.get_state(questions())
        return step.messages, answers_of(state)

    return {
        "dialogs": candidate(questions_dialog, turns),
        "asdict": Candidate(reply, lambda: Json(text, write_asdict), done),
        "vars": Candidate(reply, lambda: Json(text, write_vars), done),
        "live": Candidate(reply, lambda: Live(peer.state_from_dict(json.loads(text))), done),
    }


def rows(effort: Effort) -> Rows:
    for turns in effort.lengths:
        rivals = candidates(turns)
        check_same_work(rivals)
        times = rounds_of(rivals, effort)
        for rival, name, target in (
            ("asdict", "dialogs-framework, JSON by asdict / dialogs", FASTER.get(turns)),
            ("vars", "dialogs-framework, JSON by vars / dialogs", FASTER.get(turns)),
            ("live", "dialogs-framework, live objects / dialogs", FASTER_THAN_LIVE.get(turns)),
        ):
            yield Row(name, turns, target=target, **ratios(times, rival, "dialogs"))
