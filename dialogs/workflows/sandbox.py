"""The sandbox: Monty, a Python interpreter written in Rust, in worker processes.

Every call gets a sandbox of its own, with no files, no network, no environment and no function of
the host: `sender` is written in the sandbox's own Python, and what it collected comes out with the
result. So no error and no object of the host can get in.

Only source that `inspection.py` has passed may come here.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from typing import Any

from dialogs.errors import DialogsError
from dialogs.registry import serializable
from dialogs.workflows.inspection import free_names, parse_expression
from dialogs.workflows.plain_data import LIMITS, SOURCE, fault
from dialogs.workflows.workers import in_thread, load_monty, workers_of_this_process

TIME_S = 0.5
"""How long one call may compute, in seconds."""

MEMORY = 32 * 1024 * 1024
"""How much memory the values of one call may take, in bytes."""

MAX_OUTPUT = 16_384
"""How much one call may print, in bytes. Nobody sees it."""

MAX_MESSAGES = 20
"""How many messages one call may send."""

MAX_MESSAGE = 4_000
"""How long each of them may be, in characters."""

_FIRST_FEED = "<python-input-0>"  # how Monty names it in tracebacks
_REASON = 300  # characters of an error's text
_LIMITS = {
    "max_feed_duration_secs": TIME_S,
    "max_turn_duration_secs": TIME_S,
    "max_memory": MEMORY,
    "max_recursion_depth": 100,
    "max_suspensions": 1,
    "max_total_sleep_secs": 0.0,
}
_POLICY = {"sleep": "zero", "process_time": "zero", "random_start": {"seed": 0}}


@serializable(name="SandboxError")
class SandboxError(DialogsError):
    """Code in the sandbox raised an exception, exceeded a limit, or returned what is no data.

    Attributes:
        type_name: the name of the exception's class; "TimeoutError" and "MemoryError" for limits.
        message: its text, shortened.
        line: the line of the code, from 1; None where that is not known.
    """

    def __init__(self, type_name: str, message: str, line: int | None = None) -> None:
        at = "" if line is None else f" in line {line}"
        super().__init__(
            f"Code in the sandbox raised {type_name}{at}: {message}.",
            f"It gets {TIME_S:g} seconds, {MEMORY >> 20} MiB, the values it is given, and nothing "
            "else; what it returns must be plain data.",
            "Correct the code, or write it in a Python module.",
        )
        self.type_name = type_name
        self.message = message
        self.line = line


# --- what is called ---------------------------------------------------------------------------

# Code in data cannot name a dunder, so it can reach none of this. `{name}` is its function.
_CALL = (
    SOURCE
    + """
__messages__ = []

class __Sender__:
    def send_message(self, chat_id, message):
        if chat_id != __chat_id__:
            raise ValueError("a state sends to its own conversation only")
        if type(message) is not str:
            raise TypeError("inline code sends text only")
        if len(__messages__) >= {max_messages}:
            raise ValueError("one state sends at most {max_messages} messages")
        if len(message) > {max_message}:
            raise ValueError("a message has at most {max_message} characters")
        __messages__.append(message)

__came__ = [{name}(__chat_id__, __user_input__, __context__, __Sender__()), __messages__]
__fault__ = __fault_of__(__came__, {limits})
[__fault__, None] if __fault__ else [None, __came__]
"""
)

_EVALUATE = (
    SOURCE
    + """
def __expression__({names}):
    return {expression}

__came__ = __expression__({values})
__fault__ = __fault_of__(__came__, {limits})
[__fault__, None] if __fault__ else [None, __came__]
"""
)


def run_function(
    source: str, name: str, chat_id: str | None, user_input: Any, context: Any
) -> tuple[Any, list[str]]:
    """Call a state's function in a sandbox of its own. Blocks.

    Args:
        source: the function, which `check_function` has passed.
        name: its name.
        chat_id: whose conversation.
        user_input: plain data, see `plain_data.py`.
        context: plain data.

    Returns:
        What it returned, as plain data; the texts it sent.

    Raises:
        SandboxError: it raised, exceeded a limit, or returned what is no plain data.
        UsageError: Monty is not installed.
    """
    call = _CALL.replace("{name}", name)
    for word, value in (
        ("{max_messages}", MAX_MESSAGES),
        ("{max_message}", MAX_MESSAGE),
        ("{limits}", ", ".join(map(str, LIMITS))),
    ):
        call = call.replace(word, str(value))
    inputs = {"__chat_id__": chat_id, "__user_input__": user_input, "__context__": context}
    came = _run(source, call, inputs)
    if not (type(came) is list and len(came) == 2 and type(came[1]) is list):
        raise SandboxError("TypeError", "it returned nothing that can be read")
    result, messages = came
    short = len(messages) <= MAX_MESSAGES
    if not short or any(type(one) is not str or len(one) > MAX_MESSAGE for one in messages):
        raise SandboxError("ValueError", "it sent too much")
    return result, messages


def evaluate(expression: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression, evaluated in a sandbox of its own. Blocks.

    One that exceeds the time is evaluated once more.

    Args:
        expression: such as `variables['amount'] > 0`; see `check_expression`.
        names: what its names stand for: plain data. Only what it names goes into the sandbox.

    Returns:
        Its value: plain data.

    Raises:
        RefusedCode: it is no expression that may be evaluated, or has a name that is not given.
        SandboxError: it raised, exceeded a limit, or its value is no plain data.
        UsageError: Monty is not installed.

    >>> evaluate("amount > 0 and 'yes' in text.lower()", {"amount": 5, "text": "Yes, please"})
    True
    """
    body, tree = _parsed(expression)
    used = sorted(free_names(tree, names))
    code = _EVALUATE.replace("{limits}", ", ".join(map(str, LIMITS)))
    code = code.replace("{names}", ", ".join(used))
    code = code.replace("{values}", ", ".join(f"__value_{name}" for name in used))
    # Last, since a text in the expression may look like one of the words above.
    code = code.replace("{expression}", body)
    inputs = {f"__value_{name}": names[name] for name in used}
    try:
        return _run("", code, inputs)
    except SandboxError as error:
        if error.type_name != "TimeoutError":
            raise
    # It takes a millisecond: the machine may have stood still, and what comes of it is recorded.
    return _run("", code, inputs)


@functools.lru_cache(maxsize=1024)
def _parsed(expression: str) -> tuple[str, ast.expr]:
    """The expression as it was understood, written anew, so that nothing else can be run."""
    tree = parse_expression(expression)
    return ast.unparse(tree), tree


async def arun_function(
    source: str, name: str, chat_id: str | None, user_input: Any, context: Any
) -> tuple[Any, list[str]]:
    """`run_function` in a thread; see there."""
    return await in_thread(lambda: run_function(source, name, chat_id, user_input, context))


async def aevaluate(expression: str, names: Mapping[str, Any]) -> Any:
    """`evaluate` in a thread; see there."""
    return await in_thread(lambda: evaluate(expression, names))


def is_installed() -> bool:
    """Whether Monty is there."""
    try:
        load_monty()
    except DialogsError:
        return False
    return True


def require() -> None:
    """Refuse to go on without Monty.

    Raises:
        UsageError: it is not installed.
    """
    load_monty()


# --- one call ---------------------------------------------------------------------------------


def _run(own: str, call: str, inputs: dict[str, Any]) -> Any:
    """Feed a fresh sandbox.

    Args:
        own: the author's function, whose lines are named in errors; "" where there is none.
        call: what is done with it; ends with its fault, or None, and its value.
        inputs: the names that the call has.

    Returns:
        The value.
    """
    for name, value in inputs.items():
        found = fault(value)
        if found is not None:
            what = name.removeprefix("__value_").strip("_")
            raise SandboxError("TypeError", f"{what} has {found}, which cannot get into a sandbox")
    monty = load_monty()
    workers = workers_of_this_process()
    quiet = monty.CollectString(max_bytes=MAX_OUTPUT)
    try:
        with workers.pool.checkout(limits=_LIMITS, os_policy=_POLICY) as sandbox:
            if own:
                sandbox.feed_run(own, print_callback=quiet)
            answer = sandbox.feed_run(call, inputs=inputs, print_callback=quiet)
    except monty.MontyError as error:
        raise _as_sandbox_error(error, monty, bool(own)) from None
    except (ValueError, TypeError, RuntimeError, OverflowError, OSError) as error:
        raise SandboxError(type(error).__name__, _short(error)) from None
    return _came_out(answer)


def _came_out(answer: Any) -> Any:
    if type(answer) is not list or len(answer) != 2:
        raise SandboxError("TypeError", "it returned nothing that can be read")
    found, value = answer
    found = found or fault(value)
    if found is not None:
        what = f"it returned {found}, which cannot leave the sandbox"
        raise SandboxError("TypeError", _short(what))
    return value


def _as_sandbox_error(error: Any, monty: Any, has_lines: bool) -> SandboxError:
    if isinstance(error, monty.MontyCrashedError):
        name = "TimeoutError" if error.timed_out else "SystemError"
        return SandboxError(name, "its worker was ended")
    inner = error.exception()
    frames = error.traceback() if has_lines and hasattr(error, "traceback") else []
    lines = [frame.line for frame in frames if frame.filename == _FIRST_FEED]
    text = _short(inner, str(error))
    if isinstance(inner, TimeoutError):
        text = f"it computed for longer than {TIME_S:g} seconds"
    return SandboxError(type(inner).__name__, text, lines[-1] if lines else None)


def _short(text: Any, otherwise: str = "") -> str:
    try:
        words = str(text) or otherwise
    except Exception:  # noqa: BLE001 - whatever it is, it came out of the sandbox
        words = otherwise
    words = " ".join(words[: 2 * _REASON].split()).rstrip(".")
    return words if len(words) <= _REASON else words[: _REASON - 1] + "…"
