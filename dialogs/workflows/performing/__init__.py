"""What each type of step does: a generator of the engine's steps, in a room for its kind.

A room returns the variables that it sets as a dict, whether a way is taken as a bool, or None. It
fails by raising an exception, which the interpreter turns into the variable `error`.
"""

from __future__ import annotations

from collections.abc import Callable

from dialogs.workflows.performing.asking import ask_service, hook
from dialogs.workflows.performing.calling import act, authenticate
from dialogs.workflows.performing.choosing import begin_round, decide
from dialogs.workflows.performing.run import Run, Steps
from dialogs.workflows.performing.saying import respond, wait_for_input
from dialogs.workflows.performing.slots import fill_slot

ROOMS: dict[str, Callable[[Run], Steps]] = {
    "api_call": ask_service,
    "auth": authenticate,
    "condition": decide,
    "custom_action": act,
    "loop": begin_round,
    "response": respond,
    "slot_fill": fill_slot,
    "wait_input": wait_for_input,
    "webhook": hook,
}
"""What performs each type of step, but for goto, which performs nothing."""
