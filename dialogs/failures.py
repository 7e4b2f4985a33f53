"""A step's exception as data, and back.

An exception is recorded like any other answer. Built-in exceptions are rebuilt by name from a
closed list, registered ones by their registration; every other one becomes `StepFailed`. The
dialog gets the rebuilt exception on the first run too, so that it sees the same on every replay.
"""

from __future__ import annotations

import builtins
from typing import Any

from dialogs import registry
from dialogs.codec import encode, load
from dialogs.errors import Corrupt, NotSerializable, ResponseTimeout, StepFailed, reason_of

# StopIteration and its kind would end the dialog's generator instead of reaching its code.
_UNFIT = (StopIteration, StopAsyncIteration, BaseExceptionGroup)

_BUILTIN: dict[str, type[Exception]] = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, _UNFIT)
}


def encode_failure(error: Exception) -> tuple[bytes, Exception]:
    """An exception as the bytes of a record, and the copy that a dialog gets."""
    data = _encode(error)
    copy = decode_failure(load(data))
    copy.__cause__ = error
    return data, copy


def _encode(error: Exception) -> bytes:
    kind = type(error)
    try:
        if registry.by_type(kind) is not None:
            return encode(error)
        if isinstance(error, StepFailed | ResponseTimeout):
            return encode([kind.__name__, error.facts()])
        if _BUILTIN.get(kind.__name__) is kind:
            return encode([kind.__name__, list(error.__reduce__()[1])])
    except NotSerializable:
        pass
    message = reason_of(error).removeprefix(kind.__name__).removeprefix(": ")
    return encode([StepFailed.__name__, [kind.__name__, message]])


def decode_failure(value: Any) -> Exception:
    """The exception of a record's decoded value.

    Raises:
        Corrupt: the value is none.
    """
    try:
        if isinstance(value, Exception):
            return value
        name, args = value
        if name == StepFailed.__name__:
            return StepFailed(*map(str, args))
        if name == ResponseTimeout.__name__:
            return ResponseTimeout(*map(float, args))
        return _BUILTIN[name](*args)
    except Exception as error:
        what = f"A log has an exception that cannot be rebuilt: {reason_of(error)}."
        raise Corrupt(what) from error
