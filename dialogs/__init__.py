"""Resumable conversations: write a long exchange with a person as one Python function."""

from dialogs.dialog import Dialog, DialogGen, dialog
from dialogs.drivers import run, step_key
from dialogs.errors import (
    AsyncInSyncRun,
    Busy,
    ChannelError,
    Conflict,
    Corrupt,
    DialogsError,
    DialogsWarning,
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
from dialogs.messages import Attachment, Button, Message
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
from dialogs.steps import (
    Step,
    call,
    choice,
    continue_as_new,
    dialog_result,
    gather,
    now,
    patched,
    randint,
    send_message,
    uuid4,
)
from dialogs.waits import get_client_response

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
    "dialog_result",
    "gather",
    "get_client_response",
    "now",
    "patched",
    "randint",
    "run",
    "send_message",
    "step_key",
    "uuid4",
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
    # errors
    "AsyncInSyncRun",
    "Busy",
    "ChannelError",
    "Conflict",
    "Corrupt",
    "DialogsError",
    "DialogsWarning",
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
