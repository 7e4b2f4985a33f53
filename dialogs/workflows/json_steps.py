"""States from a JSON file: dotted paths, which are imported, and inline code, which is sandboxed.

Everything is read, imported and checked when the file is loaded; nothing of inline code runs then.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from dialogs.errors import UsageError, reason_of
from dialogs.performing import may_await
from dialogs.workflows import sandbox
from dialogs.workflows.inspection import RefusedCode, check_function
from dialogs.workflows.states import StateError, StateFailed, StateSender, check_takes_state

MAX_FILE = 1_048_576
"""How large a file may be, in bytes."""

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


class InlineState:
    """A state whose function is source, called in a sandbox of its own each time.

    Args:
        state: its id.
        source: the function; see `inspection.py`.

    Raises:
        RefusedCode: it may not be run.
        UsageError: the sandbox is not installed.
    """

    def __init__(self, state: str, source: str) -> None:
        self.state = state
        self.source = source
        try:
            self.name = check_function(source)
        except RefusedCode as error:
            raise error.of(f"state {state!r}") from None
        sandbox.require()

    def __call__(self, chat_id: Any, user_input: Any, context: Any, sender: StateSender) -> Any:
        """Call it; where the run is async, in a thread, so that nobody else waits for it."""
        given = (self.source, self.name, chat_id, user_input, context)
        if may_await():
            return self._called(given, sender)
        try:
            result, messages = sandbox.run_function(*given)
        except sandbox.SandboxError as error:
            raise self._failure(error) from error
        return self._said(result, messages, sender)

    async def _called(self, given: tuple[Any, ...], sender: StateSender) -> Any:
        try:
            result, messages = await sandbox.arun_function(*given)
        except sandbox.SandboxError as error:
            raise self._failure(error) from error
        return self._said(result, messages, sender)

    @staticmethod
    def _said(result: Any, messages: list[str], sender: StateSender) -> Any:
        for message in messages:
            sender.collect(message)
        return result

    def _failure(self, error: sandbox.SandboxError) -> StateFailed:
        at = "" if error.line is None else f" (line {error.line} of its code)"
        return StateFailed(self.state, error.type_name, error.message + at)


def load_states(
    path: str | os.PathLike[str], modules: Iterable[str] | None = None
) -> dict[str, Any]:
    """The states of a JSON file; see `StateSteps.register_from_json`.

    Returns:
        Functions, by the ids of their states.

    Raises what `StateSteps.register_from_json` does.
    """
    allowed = None if modules is None else tuple(modules)
    return {
        state: _function(state, value, allowed, path) for state, value in _read(Path(path)).items()
    }


def _function(state: str, value: Any, modules: tuple[str, ...] | None, path: Any) -> Any:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "\n".join(value)
    if not isinstance(value, str):
        raise StateError(
            state,
            f"State {state!r} of {os.fspath(path)} is of type {type(value).__name__}.",
            "A state is a dotted path, or the source of a function.",
            "Give a text, or a list of the source's lines.",
        )
    if _DOTTED.fullmatch(value):
        return _imported(state, value, modules)
    return InlineState(state, value)


def _imported(state: str, dotted: str, modules: tuple[str, ...] | None) -> Any:
    module, _, name = dotted.rpartition(".")
    if modules is not None and not any(
        module == one or module.startswith(one + ".") for one in modules
    ):
        raise StateError(
            state,
            f"State {state!r} names {dotted!r}, which is not in the modules that it may name.",
            f"They are: {', '.join(modules) or 'none'}.",
            "Add its module: register_from_json(path, modules=[...]).",
        )
    try:
        function = getattr(import_module(module), name)
    except Exception as error:
        raise StateError(
            state,
            f"State {state!r} names {dotted!r}, which cannot be imported: {reason_of(error)}.",
            "A dotted path is a module and the name of a function in it.",
            "Correct the path, or the module.",
        ) from error
    check_takes_state(state, function)
    return function


# --- the file ---------------------------------------------------------------------------------


def _read(path: Path) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise _unreadable(path, f"it has {size:,} bytes, and {MAX_FILE:,} are the most")
        states = json.loads(
            path.read_text(encoding="utf-8-sig"), object_pairs_hook=_without_doubles
        )
    except UsageError:
        raise
    except RecursionError:
        raise _unreadable(path, "it nests too deep") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, reason_of(error)) from error
    if not isinstance(states, dict):
        raise _unreadable(path, f"it is no object, but of type {type(states).__name__}")
    return states


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise StateError(
                key,
                f"State {key!r} is in the file twice.",
                "An id means one state.",
                "Give each state an id of its own.",
            )
        found[key] = value
    return found


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError(
        f"The states of {path} cannot be read: {reason}.",
        "They are a JSON object: each state's id, and its dotted path or its inline code.",
        'Write {"start": "my_app.states.start"}.',
    )
