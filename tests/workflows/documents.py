"""Documents for the tests, and the testers of their dialogs."""

from typing import Any

from dialogs.testing import DialogTester
from dialogs.workflows.catalog import Workflows


def workflow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"workflow_id": "w", "steps": list(steps), **more}


def say(step: str, text: str | None = None, /, **more: Any) -> dict[str, Any]:
    return {"id": step, "type": "response", "response_text": text or f"This is {step}.", **more}


def listen(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "wait_input", **more}


def slot(name: str, **validation: Any) -> dict[str, Any]:
    return {
        "id": f"ask_{name}",
        "type": "slot_fill",
        "slot": name,
        "prompt": f"{name}?",
        "validation": validation,
    }


def act(name: str, action: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "custom_action", "action_name": action, **more}


def fail(name: str, **more: Any) -> dict[str, Any]:
    return act(name, "fail", **more)


def broken() -> None:
    raise ConnectionError("no line")


def conversing(*steps: dict[str, Any], message: Any = None, host: Any = None, **more: Any) -> Any:
    """A tester of a workflow of these steps."""
    options: dict[str, Any] = {"actions": {"fail": broken}} if host is None else host
    workflows = Workflows(workflow(*steps, **more), **options)
    return DialogTester(workflows.dialog("w")(message))
