"""Resumable conversations: write a long exchange with a person as one Python function."""

import typing as _typing
from importlib import import_module as _import_module

from dialogs.conversation import Conversation
from dialogs.dialog import Dialog, DialogGen, dialog
from dialogs.drivers import run
from dialogs.errors import (
    AsyncInSyncRun,
    Busy,
    CannotDecrypt,
    ChannelError,
    Conflict,
    Corrupt,
    DialogsError,
    DialogsWarning,
    InboxFull,
    LogError,
    LongLog,
    NotAStep,
    NotSerializable,
    ReplayError,
    ResponseTimeout,
    StepFailed,
    StoreError,
    StoreUnavailable,
    UnknownDialog,
    UnknownFormat,
    UnrecordedAwait,
    UsageError,
    YieldInFinally,
)
from dialogs.events import Turn
from dialogs.flow import Interrupt
from dialogs.gathering import gather
from dialogs.messages import Attachment, Button, Message, Sender
from dialogs.performing import conversation_id, step_key
from dialogs.persistence import FilePersistence, InMemoryPersistence, PersistenceProvider
from dialogs.registry import serializable
from dialogs.running import (
    AsyncPersistenceProvider,
    DialogStepDone,
    DialogStepNotDone,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
)
from dialogs.standing import Status
from dialogs.steps import (
    Step,
    call,
    choice,
    continue_as_new,
    dialog_result,
    now,
    patched,
    randint,
    send_message,
    uuid4,
)
from dialogs.waits import get_client_response, sleep, wait_for_signal

if _typing.TYPE_CHECKING:
    from dialogs.blocking import BlockingOrchestrator
    from dialogs.orchestrator import Orchestrator

# Imported when they are asked for: asyncio is slow to import, and the runners do without it.
_LATER = {"BlockingOrchestrator": "dialogs.blocking", "Orchestrator": "dialogs.orchestrator"}


def __getattr__(name: str) -> _typing.Any:
    if name in _LATER:
        return getattr(_import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    # dialogs
    "Dialog",
    "DialogGen",
    "dialog",
    "serializable",
    # steps
    "Step",
    "call",
    "choice",
    "continue_as_new",
    "conversation_id",
    "dialog_result",
    "gather",
    "get_client_response",
    "now",
    "patched",
    "randint",
    "run",
    "send_message",
    "sleep",
    "step_key",
    "uuid4",
    "wait_for_signal",
    # what is said
    "Attachment",
    "Button",
    "Message",
    # runners
    "AsyncPersistenceProvider",
    "DialogStepDone",
    "DialogStepNotDone",
    "FilePersistence",
    "InMemoryPersistence",
    "PersistenceProvider",
    "run_async_gen_dialog",
    "run_dialog",
    "run_gen_dialog",
    # conversations in a store
    "BlockingOrchestrator",
    "Conversation",
    "Interrupt",
    "Orchestrator",
    "Sender",
    "Status",
    "Turn",
    # errors
    "AsyncInSyncRun",
    "Busy",
    "CannotDecrypt",
    "ChannelError",
    "Conflict",
    "Corrupt",
    "DialogsError",
    "DialogsWarning",
    "InboxFull",
    "LogError",
    "LongLog",
    "NotAStep",
    "NotSerializable",
    "ReplayError",
    "ResponseTimeout",
    "StepFailed",
    "StoreError",
    "StoreUnavailable",
    "UnknownDialog",
    "UnknownFormat",
    "UnrecordedAwait",
    "UsageError",
    "YieldInFinally",
]
