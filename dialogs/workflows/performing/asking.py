"""Steps that ask services over HTTP, or hear from them: api_call, webhook."""

from __future__ import annotations

from functools import partial

from dialogs.waits import wait_for_signal
from dialogs.workflows.integrations import Asked
from dialogs.workflows.performing.run import Run, Steps
from dialogs.workflows.schema import ApiCallStep, WebhookStep
from dialogs.workflows.templates import fill, parse


def ask_service(run: Run) -> Steps:
    """Send a request."""
    return run.results((yield from _ask(run)))


def hook(run: Run) -> Steps:
    """Send a webhook, wait for one, or both."""
    step: WebhookStep = run.step
    result = None
    if step.endpoint is not None:
        result = yield from _ask(run)
    if step.signal is not None:
        result = yield from run.wait(partial(wait_for_signal, step.signal))
    return run.results(result)


def _ask(run: Run) -> Steps:
    step: ApiCallStep | WebhookStep = run.step
    scope = run.scope()
    asked = Asked(
        step.method,
        parse(step.endpoint or "/").path(scope),
        fill(step.query, scope),
        fill(step.request_body, scope),
        {name: parse(value).render(scope) for name, value in step.headers.items()},
        calls_back=isinstance(step, WebhookStep),
    )
    integration = run.host.integrations[step.integration or ""]
    return (yield run.call(integration.ask, asked, attempts=step.attempts, timeout_s=step.timeout))
