"""The OpenAPI description tells the truth: schemathesis sends what fits it, and what does not."""

import asyncio

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import allow_header_conformance, negative_data_rejection

from dialogs.channels.workflow_api import add_workflows
from dialogs.stores import MemoryStore
from dialogs.workflows.catalog import Workflows
from tests.channels.web.people import app_of, client_of
from tests.channels.web.site import orchestrator_of, site
from tests.workflows.documents import listen, workflow

HOOKS = "a secret of webhooks, for the tests only"

app = app_of(
    orchestrator_of(MemoryStore()),
    starts_per_minute=10**9,
    messages_per_minute=10**9,
)
add_workflows(app, Workflows(workflow(listen("a"))), webhook_secret=HOOKS, root=site)
schema = schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.fixture(scope="module")
def conversation():
    return asyncio.run(start())


async def start():
    async with client_of(app) as http:
        return (await http.post("workflows/w/conversations")).json()


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_answers_as_described(case, conversation):
    if (
        "conversation_id" in case.path_parameters
        and len(case.path_parameters["conversation_id"]) % 2
    ):
        case.path_parameters["conversation_id"] = conversation["id"]
    if case.path_parameters.get("workflow_id", "").isascii():
        case.path_parameters["workflow_id"] = "w"
    if len(case.path_parameters.get("chat_id", "")) % 2:
        case.path_parameters["chat_id"] = f"web:{conversation['id']}"
    # To a wrong method, the app tells the methods of its own routes only.
    left_out = (
        [allow_header_conformance] if case.path.startswith(("/webhooks", "/workflows/")) else []
    )
    token = HOOKS if "chat_id" in case.path_parameters else conversation["token"]
    case.call_and_validate(
        headers={"Authorization": f"Bearer {token}"},
        # It takes a query parameter that nobody knows for an error; here it is overlooked.
        excluded_checks=[negative_data_rejection, *left_out],
    )


def test_all_that_can_go_wrong_is_described_as_a_problem():
    for path in app.openapi()["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"]
