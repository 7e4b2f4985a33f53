"""Routes that a host adds to the web channel's app: their errors are those of the others."""

import pytest
from fastapi import APIRouter

from dialogs import Orchestrator, dialog, send_message
from dialogs.stores import MemoryStore
from tests.channels.web.people import app_of, client_of


@dialog
def greeting():
    yield send_message("Hello!")


@pytest.fixture
async def http():
    app = app_of(Orchestrator(greeting, store=MemoryStore(), history=9))
    router = APIRouter(prefix="/shop")

    @router.put("/{size}")
    @router.post("/{size}")
    async def order(size: int) -> int:
        return size

    @router.get("/menu/today")
    async def menu() -> str:
        return "Funghi"

    app.include_router(router)
    async with client_of(app) as http:
        yield http


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("shop/7", "POST, PUT"),
        ("shop/menu/today", "GET"),
        ("conversations", "POST"),
        ("conversations/x", "DELETE, GET"),
        ("health", "GET"),
        ("", "GET"),
        ("openapi.json", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_all_the_right_ones(http, path, allowed):
    answer = await http.request("PATCH", path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.headers["Content-Type"] == "application/problem+json"
