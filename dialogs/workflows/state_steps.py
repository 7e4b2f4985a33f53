"""Conversations written as states: one function a state, called with what the client said last.

A state's function sends messages and returns the next state and a context; nothing of it lives
between two messages. `StateSteps.dialog` interprets them by an ordinary dialog: a state is one
recorded step, and once it is done the dialog goes on with an empty frame, so that all the log keeps
is the state's name and the context.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar, cast

from dialogs.dialog import DEFAULT_VERSION, DialogFunction, DialogGen, dialog
from dialogs.events import as_data
from dialogs.performing import conversation_id, may_await
from dialogs.steps import call, continue_as_new, send_message
from dialogs.waits import get_client_response
from dialogs.workflows.problems import meant
from dialogs.workflows.states import (
    Naming,
    StateError,
    StateSender,
    check_id,
    check_takes_state,
    misreturned,
    shown,
)

State = TypeVar("State", bound=Callable[..., Any])

Moved = tuple[list[Any], str | None, Any]
"""What a state led to: its messages, the next state (None: the end), the context."""


class StateSteps:
    """A conversation in states. One object serves all conversations; it holds none of their data.

    The first state runs at once: its `user_input` is the message that opened the conversation, or
    None where none did, as with `Orchestrator.start`. Every later state runs when the client has
    said something more. A state returns `(next_state, context)`, or None to end; `(None, context)`
    ends, too, and the context is the result of the dialog.

    Args:
        initial: the id of the first state. Its context is {}.

    >>> steps = StateSteps(initial="start")
    >>> @steps.register("start")
    ... def start(chat_id, user_input, context, sender):
    ...     sender.send_message(chat_id, "Hello! What's your name?")
    ...     return "get_name", {}
    >>> @steps.register("get_name")
    ... def get_name(chat_id, user_input, context, sender):
    ...     sender.send_message(chat_id, f"Nice to meet you, {user_input}!")
    >>> from dialogs.testing import DialogTester
    >>> tester = DialogTester(steps.dialog()).start()
    >>> tester.messages
    ["Hello! What's your name?"]
    >>> tester.say("Ada").expect("Nice to meet you, Ada!").expect_done()
    <DialogTester of the dialog 'state_steps', done>
    """

    def __init__(self, initial: str) -> None:
        check_id(initial)
        self.initial = initial
        self._functions: dict[str, Any] = {}

    @property
    def states(self) -> list[str]:
        """The ids of the states, in the order they were registered."""
        return list(self._functions)

    def register(self, state: str) -> Callable[[State], State]:
        """Make a function a state: `@steps.register("start")`.

        Args:
            state: the state's id. Open conversations keep it: change the code, keep the id.

        Raises:
            StateError: another state has the id, or the function does not take its four arguments.
        """
        check_id(state)

        def decorate(function: State) -> State:
            self.add({state: function})
            return function

        return decorate

    def add(self, functions: dict[str, Callable[..., Any]]) -> None:
        """Make functions states, all of them or none.

        Args:
            functions: by their states' ids.

        Raises:
            StateError: as for `register`.
        """
        for state, function in functions.items():
            check_id(state)
            if state in self._functions:
                raise StateError(
                    state,
                    f"State {state!r} is registered already.",
                    "An id means one state.",
                    "Give each state an id of its own.",
                )
            check_takes_state(state, function)
        self._functions.update(functions)

    def register_from_json(
        self, path: str | os.PathLike[str], *, modules: Iterable[str] | None = None
    ) -> None:
        """Register the states of a JSON file, all of them or none.

        It is an object of state ids; each has a dotted path, such as "my_app.states.start", or
        inline code: the source of one function, as a text or a list of its lines. Inline code runs
        in the sandbox, and needs the extra `workflows`.

        Args:
            path: the file.
            modules: the modules, and packages, that dotted paths may name; None: any. A dotted
                path runs host code: give () or a list where you do not trust the file's author.

        Raises:
            StateError: a state cannot be had; the error names it.
            RefusedCode: inline code may not be run; the error names the state and the line.
            UsageError: the file is no such object, or the extra is missing.
        """
        from dialogs.workflows.json_steps import load_states  # noqa: PLC0415 - it needs this room

        self.add(load_states(path, modules))

    def dialog(
        self, *, name: str = "state_steps", version: str = DEFAULT_VERSION
    ) -> DialogFunction[..., Any]:
        """The dialog that runs these states, for an orchestrator, a runner, or another dialog.

        It takes the opening message, if there is one, and as `context=` the first state's context.
        Its result is the context that the last state returned.

        Args:
            name: how logs know it.
            version: another one under an open conversation starts it anew. States may be edited
                and added without one.

        Raises:
            StateError: the initial state is not registered.
        """
        self._found(self.initial)

        def conversation(
            user_input: Any = None, *, state: str | None = None, context: Any = None
        ) -> DialogGen[Any]:
            if state is None:
                state, context = self.initial, {} if context is None else context
            else:
                user_input = yield get_client_response()
            messages, state, context = yield call(self._performance(state), user_input, context)
            for message in messages:
                yield send_message(message)
            if state is None:
                return context
            yield continue_as_new(decorated(state=state, context=context))

        decorated = dialog(name=name, version=version)(conversation)
        return decorated

    # --- one state ----------------------------------------------------------------------------

    def _performance(self, state: str) -> Callable[[Any, Any], Any]:
        """What a conversation's step calls for a state; async where its function is."""
        function = self._functions.get(state)

        async def aperform(user_input: Any, context: Any) -> Moved:
            return await self._perform(state, function, user_input, context)  # type: ignore[no-any-return]

        def perform(user_input: Any, context: Any) -> Any:
            self._found(state, ", where a conversation waits")
            return self._perform(state, function, user_input, context)

        chosen: Any = aperform if inspect.iscoroutinefunction(function) else perform
        chosen.__name__ = state
        return cast("Callable[[Any, Any], Any]", chosen)

    def _perform(self, state: str, function: Any, user_input: Any, context: Any) -> Any:
        chat_id = conversation_id()
        sender = StateSender(chat_id, state)
        with Naming(state):
            returned = function(chat_id, user_input, context, sender)
        if not isinstance(returned, Awaitable):
            return self._moved(state, returned, sender)
        if inspect.iscoroutine(returned) and not may_await():
            returned.close()
            return returned  # the engine refuses it
        return self._awaited(state, returned, sender)

    async def _awaited(self, state: str, returned: Awaitable[Any], sender: StateSender) -> Moved:
        with Naming(state):
            answer = await returned
        return self._moved(state, answer, sender)

    def _moved(self, state: str, returned: Any, sender: StateSender) -> Moved:
        messages = sender.close()
        if returned is None:
            return messages, None, None
        if not (isinstance(returned, tuple | list) and len(returned) == 2):
            raise misreturned(state, f"returned {shown(returned)}")
        following, context = returned
        if following is not None:
            if not isinstance(following, str):
                raise misreturned(state, f"returned {shown(following)} as the next state's id")
            self._found(following, f", which state {state!r} returned")
        return messages, following, as_data(context, f"the context that state {state!r} returned")

    def _found(self, state: str, where: str = "") -> None:
        if state not in self._functions:
            known = ", ".join(map(repr, self._functions)) or "none"
            raise StateError(
                state,
                f"There is no state {state!r}{where}{meant(state, self._functions)}.",
                f"The registered states are: {known}.",
                f"Register it: @steps.register({state!r}); or correct the id.",
            )
