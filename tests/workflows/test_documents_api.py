"""Workflows on the web channel: start, converse, look, webhooks; by REST and WebSocket."""

import httpx
import pytest

from dialogs import Orchestrator, UsageError
from dialogs.channels.web import create_app
from dialogs.channels.workflow_api import add_workflows
from dialogs.stores import MemoryStore
from dialogs.workflows.catalog import Workflows
from tests.channels.web.people import live, serving
from tests.workflows.documents import listen, say, workflow

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
    add_workflows(app, workflows, webhook_secret=HOOKS, auth=options.get("auth"))
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


async def test_variables_that_begin_with_an_underscore_stay_on_the_server():
    own = workflow(
        {"id": "login", "type": "auth", "auth_provider": "bank", "response_mapping": {"_key": ""}},
        say("greet", "Key: {_key}."),
        listen("wait"),
        variables={"_secret": "hunter2", "public": 1},
    )
    workflows = Workflows(own, auth={"bank": lambda: "k-7"})
    app = create_app(
        Orchestrator(workflows.root(), store=MemoryStore(), history=9), secret=SECRET, timers=False
    )
    add_workflows(app, workflows)
    async with serving(app) as url, live(url, None) as socket:
        await socket.send(type="hello")
        await socket.send(type="start", root="workflow:w")
        await socket.send(type="watch", view="workflow")
        by_socket = (await socket.next("view"))["value"]
        async with httpx.AsyncClient(base_url=url) as client:
            own, headers, _ = await begin(client)
            by_rest = (await client.get(f"conversations/{own}/workflow", headers=headers)).json()

    assert socket.texts == ["Key: k-7."]
    assert by_socket["variables"] == by_rest["variables"] == {"public": 1}


async def test_with_the_hosts_own_users_each_has_their_workflow():
    app = app_of(auth=anybody)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.example") as client:
        started = (await client.post("/workflows/w/conversations")).json()
        assert started["id"] == "user-ada"

        standing = (await client.get("/conversations/user-ada/workflow")).json()

    assert standing["step"] == "amount"


def anybody():
    return "ada"


@pytest.mark.parametrize(("of_the_app", "here"), [(None, anybody), (anybody, None)])
def test_an_auth_that_only_one_of_app_and_workflows_has_is_refused(of_the_app, here):
    app = create_app(
        Orchestrator(Workflows(PAY).root(), store=MemoryStore(), history=9),
        secret=SECRET,
        auth=of_the_app,
    )

    with pytest.raises(UsageError, match="differ in their auth"):
        add_workflows(app, Workflows(PAY), auth=here)


async def test_standings_are_read_as_rarely_as_conversations():
    transport = httpx.ASGITransport(app_of(messages_per_minute=1))
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.example") as client:
        own, headers, _ = await begin(client)
        where = f"/conversations/{own}/workflow"
        codes = [(await client.get(where, headers=headers)).status_code for _ in range(10)]
        # One more every six seconds, which a busy machine may take.
        while codes[-1] == 200 and len(codes) < 100:
            codes.append((await client.get(where, headers=headers)).status_code)

    assert codes[:10] == [200] * 10
    assert codes[-1] == 429


def test_a_webhook_secret_that_can_be_guessed_is_refused():
    orchestrator = Orchestrator(Workflows(PAY).root(), store=MemoryStore(), history=9)
    app = create_app(orchestrator, secret=SECRET)

    with pytest.raises(UsageError, match="webhook_secret of 16 characters"):
        add_workflows(app, Workflows(PAY), webhook_secret="short")


# --- over a socket ----------------------------------------------------------------------------


async def test_a_workflow_is_started_answered_and_watched_over_a_socket_alone():
    async with serving(app_of()) as url, live(url, None) as socket:
        await socket.send(type="hello")
        welcome = await socket.next("welcome")
        await socket.send(type="watch", view="workflow")
        assert (await socket.next("view"))["value"] is None
        await socket.send(type="start", root="workflow:w")
        began = (await socket.next("view"))["value"]
        await socket.next("answered")
        assert socket.texts == ["How much?"]

        await socket.send(type="message", text="5", message_id="m1")
        waits = (await socket.next("view"))["value"]
        await socket.next("answered")
        async with httpx.AsyncClient(base_url=url) as client:
            hook = f"webhooks/paid/web:{welcome['id']}"
            await client.post(hook, json={"receipt": "r7"}, headers=bearer(HOOKS))
            over = (await socket.next("view"))["value"]
            where = f"conversations/{welcome['id']}/workflow"
            by_rest = (await client.get(where, headers=bearer(welcome["token"]))).json()

    assert [seen["step"] for seen in (began, waits, over)] == ["amount", "paid", None]
    assert waits["variables"] == {"currency": "EUR", "amount": "5"}
    assert over == by_rest
    assert socket.texts[-1] == "Receipt r7 for 5."


async def test_a_workflow_that_rest_started_goes_on_over_a_socket():
    async with serving(app_of()) as url, httpx.AsyncClient(base_url=url) as client:
        started = (await client.post("workflows/w/conversations")).json()
        async with live(url, started["token"]) as socket:
            await socket.send(type="message", text="5", message_id="m1")
            await socket.send(type="watch", view="workflow")
            assert (await socket.next("view"))["value"]["variables"]["amount"] == "5"


async def test_a_workflow_that_is_not_there_is_refused_over_a_socket():
    async with serving(app_of()) as url, live(url, None) as socket:
        await socket.send(type="hello")
        await socket.send(type="start", root="workflow:other")
        assert (await socket.next("refused"))["problem"]["status"] == 404


async def test_a_socket_watches_its_own_conversation_and_no_other():
    async with serving(app_of()) as url, httpx.AsyncClient(base_url=url) as client:
        adas, eves = [(await client.post("workflows/w/conversations")).json() for _ in range(2)]
        async with live(url, adas["token"]) as ada, live(url, eves["token"]) as eve:
            await eve.send(type="watch", view="workflow")
            await eve.next("view")
            await ada.send(type="message", text="my salary", message_id="m1")
            await ada.next("answered")
            await eve.send(type="message", text="5", message_id="m1")
            await eve.next("answered")

    assert "my salary" not in str(eve.heard)
