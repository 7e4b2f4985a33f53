"""What happens in place of steps, and stubs that seem to be meant for a step that has none.

A step whose stub has a typing error in its name would be performed in earnest. So a step that
nothing stands in for is looked at once more, before it is performed: a stub that has answered
nothing yet, and whose name is nearly or exactly the step's, or whose function is handed to the
step, is taken for a slip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from dialogs.errors import UsageError
from dialogs.steps import Await, Call, Choice, RandInt, Step


@dataclass(slots=True)
class Stub:
    """What happens in place of a step: `fake` is called, or an answer is given.

    Attributes:
        used: how often.
    """

    step: Any
    fake: Callable[..., Any] | None
    answers: tuple[Any, ...]
    used: int = 0

    @property
    def name(self) -> str:
        """The name of the step that it is for."""
        is_text = isinstance(self.step, str)
        return self.step.rpartition(" ")[2] if is_text else getattr(self.step, "__name__", "")

    def is_for(self, step: Step[Any]) -> bool:
        """Whether it stands in for a step."""
        kind, _, name = step.key.partition(" ")
        known_by = [step.key, name or kind, kind]
        return (
            self.step in [*known_by, step.fn] if isinstance(step, Call) else self.step in known_by
        )

    def in_place_of(self, step: Step[Any]) -> Call[Any]:
        """The step that is performed in place of this one."""
        args, kwargs = _arguments(step)
        performed: Call[Any] = Call(self.perform, *args, **kwargs)
        performed.key = step.key
        return performed

    def perform(self, *args: Any, **kwargs: Any) -> Any:
        """What is performed: give the next answer, or call the fake with these arguments."""
        self.used += 1
        if self.fake is not None:
            return self.fake(*args, **kwargs)
        answer = self.answers[min(self.used, len(self.answers)) - 1]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def refusal(step: Step[Any], stubs: list[Stub], *, real_calls: bool) -> UsageError | None:
    """Why a step that has no stub is not performed; None where it is.

    Args:
        step: the step.
        stubs: the stubs of the test; none is for this step.
        real_calls: whether functions and coroutines are performed that have no stub.
    """
    if not isinstance(step, Call | Await):
        return None
    name = step.key.partition(" ")[2]
    real = f"replace({name!r}, ...) with it" if isinstance(step, Call) else "leave that stub out"
    remedy = f"Write stub({name!r}, ...), or {real} where the real one is meant."
    for stub in stubs:
        if not stub.used and (why := _slip(stub, step, name)):
            return UsageError(
                f"{step!r} would be performed, and the stub of {stub.name!r} has answered nothing.",
                why,
                remedy,
            )
    if real_calls:
        return None
    return UsageError(
        f"{step!r} has no stub.",
        "DialogTester(..., real_calls=False) performs none without.",
        f"Write stub({name!r}, ...), or replace({name!r}, ...) with a function.",
    )


def _slip(stub: Stub, step: Call[Any] | Await[Any], name: str) -> str:
    """Why a stub seems to be meant for a step; "" where it does not."""
    last = name.rpartition(".")[2]
    handed, names = _around(step)
    by_name = isinstance(stub.step, str)
    if not by_name and any(type(it) is type(stub.step) and it == stub.step for it in handed):
        return f"{stub.name} is handed to it, and a stub stands in for what the dialog yields."
    if stub.name in (name, last):
        return "They share a name; by a function, a stub is for call() of this very function."
    near = SequenceMatcher(None, stub.name.rpartition(".")[2], last).ratio() >= _NEAR
    # What exists is no typing error.
    if near and by_name and stub.name not in names:
        return "The names are nearly the same."
    return ""


_NEAR = 0.8


def _around(step: Call[Any] | Await[Any]) -> tuple[list[Any], set[str]]:
    """What a function or coroutine is handed, and the names that are known beside its own."""
    if isinstance(step, Call):
        known = {*getattr(step.fn, "__globals__", ()), *dir(getattr(step.fn, "__self__", None))}
        return [*step.args, *step.kwargs.values()], known
    frame = getattr(step.awaitable, "cr_frame", None)
    return ([], set()) if frame is None else ([*frame.f_locals.values()], {*frame.f_globals})


def _arguments(step: Step[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    match step:
        case Call():
            return step.args, step.kwargs
        case RandInt():
            return (step.a, step.b), {}
        case Choice():
            return (step.seq,), {}
        case _:
            return (), {}
