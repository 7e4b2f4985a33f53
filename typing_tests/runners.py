"""What the runners take and give, as a type checker sees it. Checked by mypy, never run."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal, assert_type

from dialogs import (
    AsyncPersistenceProvider,
    DialogGen,
    DialogStepDone,
    DialogStepNotDone,
    FilePersistence,
    InMemoryPersistence,
    PersistenceProvider,
    call,
    dialog,
    gather,
    get_client_response,
    now,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
    send_message,
)


@dialog
def ask(question: str = "Name?") -> DialogGen[str]:
    yield send_message(question)
    return str((yield from get_client_response()))


@dialog
def no_arguments() -> DialogGen[int]:
    yield send_message("hi")
    return 5


@dialog
async def coroutine() -> bytes:
    return b""


# --- persistence ------------------------------------------------------------------------------


class Row:
    def load(self) -> bytes | None:
        return None

    def save(self, log: bytes) -> None:
        pass


class AsyncRow:
    async def load(self) -> bytes | None:
        return None

    async def save(self, log: bytes) -> None:
        pass


kept: PersistenceProvider = InMemoryPersistence()
in_file: PersistenceProvider = FilePersistence(Path("a.log"))
in_named_file: PersistenceProvider = FilePersistence("a.log")
in_row: PersistenceProvider = Row()
in_async_row: AsyncPersistenceProvider = AsyncRow()


# --- what they give ---------------------------------------------------------------------------

result = run_gen_dialog(ask("Name?"), kept, "")
assert_type(result, DialogStepDone[str] | DialogStepNotDone)
assert_type(result.messages, list[Any])

if result.is_done:
    assert_type(result, DialogStepDone[str])
    assert_type(result.is_done, Literal[True])
    assert_type(result.return_value, str)
else:
    assert_type(result, DialogStepNotDone)
    assert_type(result.is_done, Literal[False])
    result.return_value  # type: ignore[attr-defined]  # noqa: B018

while not (turn := run_gen_dialog(ask("Name?"), kept, "x")).is_done:
    assert_type(turn.messages, list[Any])

match run_dialog(ask("Name?"), in_file, {"any": "value"}):
    case DialogStepDone(return_value=name):
        assert_type(name, str)
    case DialogStepNotDone(messages=messages):
        assert_type(messages, list[Any])

result.return_value  # type: ignore[union-attr]  # noqa: B018

# --- what they take ---------------------------------------------------------------------------

assert_type(run_gen_dialog(no_arguments, kept, ""), DialogStepDone[int] | DialogStepNotDone)
assert_type(run_dialog(coroutine, in_row, ""), DialogStepDone[bytes] | DialogStepNotDone)
assert_type(run_gen_dialog(call(len, "abc"), kept, ""), DialogStepDone[int] | DialogStepNotDone)
assert_type(
    run_gen_dialog(gather(now()), kept, ""), DialogStepDone[tuple[datetime]] | DialogStepNotDone
)
run_gen_dialog(ask("?"), kept, "", no_arguments)
run_gen_dialog(ask("?"), kept, "", no_arguments())
run_gen_dialog(ask("?"), kept, "", fallback_dialog=send_message("Sorry!"))
run_gen_dialog(ask("?"), kept, "", None, conversation_id="web:42")


async def fetch() -> bytes:
    return b""


async def in_an_event_loop() -> None:
    turn = await run_async_gen_dialog(ask("Name?"), in_async_row, "")
    assert_type(turn, DialogStepDone[str] | DialogStepNotDone)
    if turn.is_done:
        assert_type(turn.return_value, str)
    assert_type(
        await run_async_gen_dialog(coroutine(), kept, ""),
        DialogStepDone[bytes] | DialogStepNotDone,
    )
    assert_type(
        await run_async_gen_dialog(fetch(), kept, ""), DialogStepDone[bytes] | DialogStepNotDone
    )


# --- mistakes ---------------------------------------------------------------------------------

run_gen_dialog(5, kept, "")  # type: ignore[arg-type]
run_gen_dialog(len, kept, "")  # type: ignore[arg-type]
run_gen_dialog(ask("?"), b"log", "")  # type: ignore[arg-type]
run_gen_dialog(ask("?"), in_async_row, "")  # type: ignore[arg-type]
run_gen_dialog(ask("?"), kept)  # type: ignore[call-arg]
run_gen_dialog(ask("?"), kept, "", "fallback")  # type: ignore[arg-type]
run_gen_dialog(ask("?"), kept, "", None, "web:42")  # type: ignore[call-arg]
run_dialog(ask("?"), kept, "", conversation_id=42)  # type: ignore[arg-type]
run_async_gen_dialog(ask("?"), kept, "")  # type: ignore[unused-coroutine]
DialogStepDone("x")  # type: ignore[call-arg]
no_list: DialogStepNotDone = DialogStepNotDone("hi")  # type: ignore[arg-type]
