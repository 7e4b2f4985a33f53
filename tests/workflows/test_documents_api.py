"""Workflows on the web channel: start, converse, look, webhooks; by REST and WebSocket."""

import asyncio
import json

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import connect

from dialogs import Orchestrator, UsageError
from dialogs.channels.web import create_app
from dialogs.channels.workflow_api import create_router
from dialogs.stores import MemoryStore
from dialogs.workflows.catalog import Workflows
from tests.servers.base import free_port
from tests.workflows.documents import say, workflow

SECRET = "a secret of the tests, and of no use elsewhere"
HOOKS = "another secret of the tests, for webhooks"

PAY = workflow(
    {"id": "amount", "type": "slot_fill", "slot": "amount", "prompt": "How much?"},
    {
        "id": "paid",
        "type": "webhook",
        "signal": "paid",
        "response_mapping": {"receipt": "receipt"},
    },
    say("thanks", "Receipt {receipt} for {amount}."),
    name="Pay",
    description="Pays.",
    variables={"currency": "EUR"},
)


def app_of(**options):
    workflows = Workflows(PAY)
    orchestrator = Orchestrator(workflows.root(), store=MemoryStore(), history=50)
    app = create_app(orchestrator, secret=SECRET, timers=False, poll_s=0.05, **options)
    routes = create_router(orchestrator, workflows, webhook_secret=HOOKS, auth=options.get("auth"))
    app.include_router(routes)
    return app


@pytest.fixture
async def client():
    transport = httpx.ASGITransport(app_of())
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.example") as client:
        yield client


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def begin(client):
    answer = await client.post("/workflows/w/conversations")
    assert answer.status_code == 201, answer.text
    started = answer.json()
    return started["id"], bearer(started["token"]), started["turn"]


async def test_the_workflows_are_listed(client):
    listed = (await client.get("/workflows")).json()

    assert listed == [{"workflow_id": "w", "name": "Pay", "description": "Pays."}]


async def test_a_workflow_is_started_answered_looked_at_and_signalled(client):
    own, headers, turn = await begin(client)
    assert [entry["text"] for entry in turn["messages"]] == ["How much?"]
    where = f"/conversations/{own}"

    standing = (await client.get(f"{where}/workflow", headers=headers)).json()
    assert standing == {
        "workflow_id": "w",
        "step": "amount",
        "variables": {"currency": "EUR"},
        "history": [],
        "error": None,
    }
    answer = await client.post(f"{where}/messages", json={"text": "5"}, headers=headers)
    assert answer.json()["waiting"] == "signal"

    heard = await client.post(
        f"/webhooks/paid/web:{own}",
        json={"receipt": "r7"},
        headers=bearer(HOOKS) | {"Idempotency-Key": "k1"},
    )
    assert heard.json() == {"duplicate": False, "stale": False}

    standing = (await client.get(f"{where}/workflow", headers=headers)).json()
    assert standing["step"] is None
    assert standing["variables"] == {"currency": "EUR", "amount": "5", "receipt": "r7"}
    assert [taken["step"] for taken in standing["history"]] == ["amount", "paid", "thanks"]
    said = (await client.get(where, headers=headers)).json()["messages"]
    assert said[-1]["text"] == "Receipt r7 for 5."


async def test_a_webhook_that_comes_twice_counts_once(client):
    own, _, _ = await begin(client)
    hooks = bearer(HOOKS) | {"Idempotency-Key": "k1"}
    answers = [
        (await client.post(f"/webhooks/paid/web:{own}", json={"receipt": 1}, headers=hooks)).json()
        for _ in range(2)
    ]

    assert [answer["duplicate"] for answer in answers] == [False, True]


@pytest.mark.parametrize("headers", [{}, bearer("guessed"), bearer(SECRET)])
async def test_a_webhook_without_the_secret_is_refused(headers, client):
    own, _, _ = await begin(client)

    answer = await client.post(f"/webhooks/paid/web:{own}", json={}, headers=headers)

    assert answer.status_code == 401


async def test_the_clients_own_token_is_no_webhook_secret(client):
    own, headers, _ = await begin(client)

    assert (await client.post(f"/webhooks/paid/web:{own}", headers=headers)).status_code == 401


async def test_a_webhook_for_nobody_begins_no_conversation(client):
    answer = await client.post("/webhooks/paid/web:nobody", headers=bearer(HOOKS))

    assert answer.status_code == 404


async def test_a_workflow_that_is_not_there_is_not_found(client):
    assert (await client.post("/workflows/other/conversations")).status_code == 404


async def test_where_a_workflow_stands_is_told_to_its_owner_only(client):
    own, _, _ = await begin(client)
    _, others, _ = await begin(client)

    assert (await client.get(f"/conversations/{own}/workflow")).status_code == 401
    assert (await client.get(f"/conversations/{own}/workflow", headers=others)).status_code == 403


async def test_a_conversation_without_a_workflow_has_none_to_show(client):
    started = (await client.post("/conversations")).json()
    where = f"/conversations/{started['id']}/workflow"

    answer = await client.get(where, headers=bearer(started["token"]))

    assert answer.status_code == 404


async def test_with_the_hosts_own_users_each_has_their_workflow():
    app = app_of(auth=lambda: "ada")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.example") as client:
        started = (await client.post("/workflows/w/conversations")).json()
        assert started["id"] == "user-ada"

        standing = (await client.get("/conversations/user-ada/workflow")).json()

    assert standing["step"] == "amount"


def test_a_webhook_secret_that_can_be_guessed_is_refused():
    workflows = Workflows(PAY)
    orchestrator = Orchestrator(workflows.root(), store=MemoryStore())

    with pytest.raises(UsageError, match="webhook_secret of 16 characters"):
        create_router(orchestrator, workflows, webhook_secret="short")


async def test_a_started_workflow_converses_over_a_websocket():
    port = free_port()
    config = uvicorn.Config(app_of(), port=port, log_level="warning", ws="websockets-sansio")
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            started = (await client.post("/workflows/w/conversations")).json()
            async with connect(f"ws://127.0.0.1:{port}/live") as socket:
                await socket.send(json.dumps({"type": "hello", "token": started["token"]}))
                await socket.send(json.dumps({"type": "message", "text": "5", "message_id": "m1"}))
                frames = [json.loads(await socket.recv()) for _ in range(3)]
                await client.post(
                    f"/webhooks/paid/web:{started['id']}",
                    json={"receipt": "r7"},
                    headers=bearer(HOOKS),
                )
                async with asyncio.timeout(10):
                    while "Receipt r7 for 5." not in str(frames):
                        frames.append(json.loads(await socket.recv()))
    finally:
        server.should_exit = True
        await serving
