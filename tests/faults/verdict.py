"""What is wrong with a run, in sentences; nothing, if the guarantees hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.faults.history import History, Kept


def faults(history: History) -> list[str]:
    """Every promise that a run of roll calls broke."""
    found = [*_errors(history), *_strangers(history)]
    for chat_id, given in history.given.items():
        kept = history.kept.get(chat_id)
        if kept is None:
            found.append(f"{chat_id}: lost altogether")
        elif kept.status != "COMPLETED" or kept.unsent:
            found.append(f"{chat_id}: it is {kept.status}, with {kept.unsent} messages unsent")
        else:
            found += _of_conversation(history, chat_id, given, kept)
    return found


def _errors(history: History) -> Iterator[str]:
    for name, times in history.errors.items():
        if name == "Busy":
            yield f"a conversation was stuck for longer than its lease, {times} times"
        elif name not in history.allowed:
            yield f"{name} was raised, {times} times"


def _strangers(history: History) -> Iterator[str]:
    for chat_id in history.kept.keys() - history.given.keys():
        yield f"{chat_id}: nobody began it"


def _of_conversation(history: History, chat_id: str, given: list[str], kept: Kept) -> Iterator[str]:
    heard = [message for message, _, _ in kept.result]
    if heard != given:
        yield f"{chat_id}: given {given}, and heard {heard}"
    done = {tuple(effect) for effect in history.effects}
    for _, _, receipt in kept.result:
        if tuple(receipt) not in done:
            yield f"{chat_id}: the effect {receipt[0]} is recorded and was not done"
    said = _words(kept.result)
    for (owner, number), answers in history.answers.items():
        if owner == chat_id:
            for answer in answers:
                if answer != said[2 * number : 2 * number + 2]:
                    yield f"{chat_id}: message {number} was answered with {answer}"
    yield from _sayings(history, chat_id, said)


def _sayings(history: History, chat_id: str, expected: list[Any]) -> Iterator[str]:
    sent: dict[str, Any] = {}
    for owner, delivery_id, message in history.said:
        if owner == chat_id and sent.setdefault(delivery_id, message) != message:
            yield f"{chat_id}: {delivery_id} was {sent[delivery_id]}, and then {message}"
    if list(sent.values()) != expected:
        yield f"{chat_id}: to be said was {expected}, and said was {list(sent.values())}"


def _words(result: list[Any]) -> list[Any]:
    """What a roll call says, by its result."""
    words: list[Any] = []
    for number, (message, draw, receipt) in enumerate(result):
        words += [["heard", number, message, draw], ["noted", number, receipt]]
    return words
