"""Finding what a command is about: a dialog, or an orchestrator, by its import path."""

from __future__ import annotations

import importlib
import sys
import traceback
from dataclasses import dataclass
from inspect import getmodule
from pathlib import Path
from types import ModuleType
from typing import Any

from dialogs.blocking import BlockingOrchestrator
from dialogs.dialog import Dialog
from dialogs.errors import DialogsError, UsageError
from dialogs.orchestrator import Orchestrator


@dataclass(frozen=True)
class Target:
    """What a command is about.

    Args:
        path: its import path, as "module:name".
        found: a decorated function, a call of one, or an orchestrator.
        file: the module's file.
    """

    path: str
    found: Any
    file: Path

    @property
    def name(self) -> str:
        """Its name in the module."""
        return self.path.partition(":")[2]


def find_target(path: str) -> Target:
    """Find a dialog or an orchestrator.

    Args:
        path: `module:name`, found from the current folder; the name may be left out where the
            module has one dialog.

    Raises:
        UsageError: there is no such module, no such name, or it is neither.
        DialogsError: the module raised an exception when it was imported.
    """
    module_name, _, name = path.partition(":")
    module = _module_of(module_name, path)
    file = Path(getattr(module, "__file__", None) or module_name)
    if not name:
        name = _only_one_in(module)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise UsageError(
                f"{module_name!r} has no {name!r}.",
                _told(_candidates(module), module_name),
                f"Name one that it has: dialogs chat {module_name}:NAME.",
            )
        found = getattr(found, part)
    if not _is_target(found):
        raise UsageError(
            f"{path!r} is {found!r}, which is neither a dialog nor an Orchestrator.",
            _told(_candidates(module), module_name),
            "Name a function decorated with @dialog, a call of one, or an Orchestrator.",
        )
    if isinstance(found, BlockingOrchestrator):
        found = found.orchestrator
    return Target(f"{module_name}:{name}", found, file)


def _module_of(name: str, path: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    if name.endswith(".py") or not all(part.isidentifier() for part in name.split(".")):
        dotted = name.removesuffix(".py").strip("./\\").replace("/", ".").replace("\\", ".")
        raise UsageError(
            f"{path!r} is no import path.",
            "A dialog is named as Python imports it: the module with dots, a colon, the name.",
            f"Write {dotted or 'package.module'}:{path.partition(':')[2] or 'NAME'}.",
        )
    try:
        return importlib.import_module(name)
    except Exception as error:
        absent = error.name if isinstance(error, ModuleNotFoundError) else None
        # What it imports itself may be missing, too.
        if absent is None or not f"{name}.".startswith(f"{absent}."):
            raise _broken(name, error) from error
        raise UsageError(
            f"There is no module {absent!r}.",
            f"It was looked for in {folder} and where Python finds its packages.",
            "Change to the folder that your package is in, or correct the name.",
        ) from None


def _broken(name: str, error: Exception) -> DialogsError:
    """The error of a module that cannot be imported, with the lines that led to it."""
    ours = (__file__, importlib.__file__)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename not in ours and not frame.filename.startswith("<frozen importlib")
    ]
    lines = [*traceback.format_list(frames), *traceback.format_exception_only(error)]
    return DialogsError(
        f"The module {name!r} could not be imported.",
        "It raised an exception, or what it imports did.",
        f"Repair it, or install what it needs:\n{''.join(lines).rstrip()}",
    )


def _only_one_in(module: ModuleType) -> str:
    names = _candidates(module)
    if len(names) != 1:
        raise UsageError(
            f"{module.__name__!r} has {'several' if names else 'no'} dialogs to choose from.",
            _told(names, module.__name__),
            f"Name one: dialogs chat {module.__name__}:{names[0] if names else 'NAME'}.",
        )
    return names[0]


def _candidates(module: ModuleType) -> list[str]:
    """The names of the dialogs and orchestrators that a module made, not those that it imported."""
    return [
        name
        for name, value in vars(module).items()
        if _is_target(value)
        and (not hasattr(value, "definition") or getmodule(_function_of(value)) is module)
    ]


def _function_of(value: Any) -> Any:
    return value.definition.fn


def _is_target(value: Any) -> bool:
    try:
        if isinstance(value, type):
            return False
        return isinstance(value, _ORCHESTRATORS | Dialog) or hasattr(value, "definition")
    except Exception:  # noqa: BLE001 - a stranger's object, such as Flask's `request` outside of one
        return False


_ORCHESTRATORS = Orchestrator | BlockingOrchestrator


def _told(names: list[str], module: str) -> str:
    if not names:
        return f"{module!r} makes no dialog and no Orchestrator."
    return f"{module!r} has: {', '.join(names)}."
