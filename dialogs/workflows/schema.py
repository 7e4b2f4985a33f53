"""The schema of a workflow document, as pydantic models.

The reference in the docs is made of it. Only the shape is here; what refers to what is checked in
`checking.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from dialogs.workflows.fields import (
    Expression,
    Id,
    Mapping,
    Model,
    Name,
    Span,
    StepModel,
    Text,
    Validation,
)
from dialogs.workflows.templates import goes_up


class AuthStep(StepModel):
    """Asks an auth service of the host's. What is denied has failed, with the type `Denied`."""

    type: Literal["auth"]
    auth_provider: Text = Field(description="Its name in `Workflows(auth={...})`.")
    parameters: dict[Name, Any] = Field(
        default_factory=dict, description="What it is called with; texts are templates."
    )
    response_mapping: Mapping | None = Field(
        default=None, description="Variables, each with the dotted path of its value in the result."
    )


class SlotFillStep(StepModel):
    """Fills a variable: from the entities of the last message, or by asking until it is valid."""

    type: Literal["slot_fill"]
    slot: Name = Field(description="The variable.")
    prompt: Text = Field(description="The question; a template.")
    entity: Text | None = Field(
        default=None, description="The entity that it is taken from; the slot's name if left out."
    )
    validation: Validation = Field(
        default_factory=Validation, description="What is taken; see [below](#validation)."
    )
    retry_limit: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="How often it asks before it has failed, with the type `NotFilled`."
    )


class Request(StepModel):
    """What the steps have that send a request."""

    query: dict[str, Any] = Field(
        default_factory=dict, description="What comes after the `?`; texts are templates."
    )
    request_body: Any = Field(
        default=None,
        description="The JSON that is sent; its texts are templates, and one that is a single "
        "variable keeps its type.",
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Headers; templates.")
    response_mapping: Mapping | None = Field(
        default=None,
        description="Variables, each with the dotted path of its value in the answer, such as "
        "`data.items.0.id`; the empty path is all of it. Without it, the variable named like the "
        "step has the answer.",
    )


def _stays_inside(endpoint: str) -> str:
    if goes_up(endpoint):
        raise ValueError("`.` and `..` lead out of the integration")
    return endpoint


Endpoint = Annotated[
    str,
    Field(pattern=r"^/([^/\s?#\\][^\s?#\\]*)?$", max_length=2_000),
    AfterValidator(_stays_inside),
]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


class ApiCallStep(Request):
    """Sends a request through an integration. An answer of 400 and above has failed."""

    type: Literal["api_call"]
    integration: Text = Field(description="Its name in `Workflows(integrations={...})`.")
    endpoint: Endpoint = Field(
        description="The path, from `/`; a template whose values are quoted."
    )
    method: Method = Field(default="GET", description="The HTTP method.")


class WebhookStep(Request):
    """Sends a webhook, or waits for one that comes in as a signal; with both, in this order."""

    type: Literal["webhook"]
    integration: Text | None = Field(default=None, description="Sends: the integration's name.")
    endpoint: Endpoint | None = Field(
        default=None, description="Sends: the path, from `/`; a template whose values are quoted."
    )
    method: Method = Field(default="POST", description="Sends: the HTTP method.")
    signal: Text | None = Field(
        default=None, description="Waits: the name of the signal. The result is what it carries."
    )

    @model_validator(mode="after")
    def _does_something(self) -> WebhookStep:
        if (self.integration is None) != (self.endpoint is None):
            raise ValueError("give both `integration` and `endpoint`, or neither")
        if self.integration is None and self.signal is None:
            raise ValueError("give `integration` and `endpoint` to send, or `signal` to wait")
        return self


class ConditionStep(StepModel):
    """Goes one of two ways."""

    type: Literal["condition"]
    condition: Expression = Field(description="An expression.")
    if_true: Id | None = Field(default=None, description="The step that follows where it holds.")
    if_false: Id | None = Field(
        default=None, description="The step that follows where it does not."
    )


class ResponseStep(StepModel):
    """Says something."""

    type: Literal["response"]
    response_text: Text | None = Field(default=None, description="The text; a template.")
    template: Text | None = Field(
        default=None,
        description="Or the name of a template, of the document's or in "
        "`Workflows(templates={...})`.",
    )
    buttons: list[Text] = Field(
        default_factory=list, description="Ready-made answers shown with it; templates."
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> ResponseStep:
        if (self.response_text is None) == (self.template is None):
            raise ValueError("give either `response_text` or `template`")
        return self


class CustomActionStep(StepModel):
    """Calls a function of the host's, or runs a dialog of the host's."""

    type: Literal["custom_action"]
    action_name: Text = Field(description="Its name in `Workflows(actions={...})`.")
    parameters: dict[Name, Any] = Field(
        default_factory=dict,
        description="What it is called with; texts are templates, and one that is a single "
        "variable keeps its type.",
    )
    response_mapping: Mapping | None = Field(
        default=None,
        description="Variables, each with the dotted path of its value in the result. Without it, "
        "the variable named like the step has the result.",
    )


class LoopStep(StepModel):
    """Runs steps again and again, while an expression holds."""

    type: Literal["loop"]
    loop_steps: list[Id] = Field(
        min_length=1,
        description="The steps, in their order; they belong to the loop wherever they stand in "
        "the list. A jump to a step outside leaves the loop.",
    )
    loop_condition: Expression | None = Field(
        default=None, description="An expression, evaluated before each round; always, if left out."
    )
    max_iterations: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=10, description="After so many rounds the loop is over."
    )


class GotoStep(StepModel):
    """Goes to another step."""

    type: Literal["goto"]
    next_step: Id = Field(description="The step that follows.")


class WaitInputStep(StepModel):
    """Waits for the client's next message, which the names text, intent and entities then tell."""

    type: Literal["wait_input"]
    prompt: Text | None = Field(default=None, description="What is said before; a template.")
    slot: Name | None = Field(default=None, description="The variable that gets the text.")


AnyStep = (
    AuthStep
    | SlotFillStep
    | ApiCallStep
    | ConditionStep
    | ResponseStep
    | CustomActionStep
    | LoopStep
    | GotoStep
    | WaitInputStep
    | WebhookStep
)
Step = Annotated[AnyStep, Field(discriminator="type")]
STEPS: dict[str, type[StepModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(AnyStep)
}
"""The models of steps, by the values of `type`."""


class ErrorHandling(Model):
    """What happens where a step fails and does not say itself."""

    on_error: Id | None = Field(default=None, description="The step that follows the failure.")
    on_timeout: Id | None = Field(
        default=None, description="The step that follows where the workflow's time has passed."
    )
    message: Text | None = Field(
        default=None,
        description="Without `on_error`: what is said before the workflow ends; a template.",
    )


class Workflow(Model):
    """A workflow document."""

    workflow_id: Id = Field(description="Names the workflow.")
    name: str = Field(default="", description="What people call it.")
    description: str = Field(default="", description="What it is for.")
    version: str | None = Field(
        default=None,
        description="Change it with the document where open conversations should start anew; the "
        "hash of the content, if left out.",
    )
    trigger_intent: str | list[str] | None = Field(
        default=None, description="The intent, or intents, of a message that begins it."
    )
    variables: dict[Name, Any] = Field(
        default_factory=dict, description="Variables, each with its first value."
    )
    templates: dict[str, Text] = Field(
        default_factory=dict, description="Templates, by the names that responses use."
    )
    timeout: Span | None = Field(
        default=None, description="How long it may take in all: seconds, or a text such as `2h`."
    )
    error_handling: ErrorHandling = Field(
        default_factory=ErrorHandling,
        description="What happens where a step fails and does not say itself; see "
        "[below](#error-handling).",
    )
    steps: list[Step] = Field(
        min_length=1, max_length=2000, description="The steps; it begins with the first."
    )

    @property
    def intents(self) -> list[str]:
        """The intents that begin it."""
        intents = self.trigger_intent
        return [] if intents is None else [intents] if isinstance(intents, str) else intents
