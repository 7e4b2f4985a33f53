"""Steps that call what the host has: auth, custom_action."""

from __future__ import annotations

from typing import Any

from dialogs.errors import ResponseTimeout
from dialogs.workflows.performing.run import Run, Steps
from dialogs.workflows.problems import StepError
from dialogs.workflows.schema import AuthStep, CustomActionStep
from dialogs.workflows.templates import fill
from dialogs.workflows.trying import tried


def authenticate(run: Run) -> Steps:
    """Ask an auth service."""
    step: AuthStep = run.step
    try:
        granted = yield from _call(run, run.host.auth[step.auth_provider])
    except PermissionError as error:
        raise StepError("Denied", str(error) or "access was denied") from None
    if granted is None or granted is False:
        raise StepError("Denied", f"{step.auth_provider} denied access")
    return run.results(granted)


def act(run: Run) -> Steps:
    """Call an action, or run its dialog."""
    step: CustomActionStep = run.step
    result = yield from _call(run, run.host.actions[step.action_name])
    return run.results(result)


def _call(run: Run, target: Any) -> Steps:
    step = run.step
    parameters = fill(step.parameters, run.scope())
    if hasattr(target, "definition"):
        return (yield from _converse(target, parameters, step.attempts))
    calling = run.call(tried, target, parameters, attempts=step.attempts, timeout_s=step.timeout)
    return (yield calling)


def _converse(dialog: Any, parameters: dict[str, Any], attempts: int) -> Steps:
    """Run a dialog; its own waits have their own timeouts."""
    for left in reversed(range(attempts)):
        try:
            return (yield dialog(**parameters))
        except (ResponseTimeout, PermissionError):
            raise
        except Exception:
            if left == 0:
                raise
    raise AssertionError("unreachable")  # pragma: no cover
