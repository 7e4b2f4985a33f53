"""The OpenAPI description tells the truth: schemathesis sends what fits it, and what does not."""

import asyncio

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import negative_data_rejection

from dialogs.stores import MemoryStore
from tests.channels.web.people import app_of, client_of
from tests.channels.web.site import orchestrator_of

app = app_of(
    orchestrator_of(MemoryStore()),
    starts_per_minute=10**9,
    messages_per_minute=10**9,
)
schema = schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.fixture(scope="module")
def conversation():
    return asyncio.run(start())


async def start():
    async with client_of(app) as http:
        return (await http.post("conversations")).json()


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
    case.call_and_validate(
        headers={"Authorization": f"Bearer {conversation['token']}"},
        # It takes a query parameter that nobody knows for an error; here it is overlooked.
        excluded_checks=[negative_data_rejection],
    )


def test_all_that_can_go_wrong_is_described_as_a_problem():
    for path in app.openapi()["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"]
