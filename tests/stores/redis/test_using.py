"""Using a RedisStore: its url, its client, its event loop, its library."""

import asyncio
import subprocess
import sys

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from dialogs.errors import StoreUnavailable, UsageError
from dialogs.stores.redis import RedisStore
from tests.servers.redis import RedisServer
from tests.stores.redis.turns import LEASE_S, NOW, PATIENT, PATIENT_S, claim, keys_of, put


async def test_passwords_are_never_shown(tmp_path):
    with RedisServer(tmp_path, options={"requirepass": "correct-horse"}) as server:
        good = RedisStore(server.url, timeout=PATIENT_S)
        await put(good, "a")
        assert "correct-horse" not in repr(good)
        server.kill()
        with pytest.raises(StoreUnavailable) as caught:
            await claim(good, "a")
        assert "correct-horse" not in str(caught.value)
        server.restart()
        url = f"redis://someone:battery-staple@127.0.0.1:{server.port}/0?db=0"
        wrong = RedisStore(url, timeout=PATIENT_S)
        with pytest.raises(StoreUnavailable) as caught:
            await wrong.setup()
        assert "someone@127.0.0.1" in repr(wrong)
        assert "battery-staple" not in str(caught.value) + repr(wrong)
        url = f"redis://127.0.0.1:{server.port}/0?password=correct-horse"
        in_the_options = RedisStore(url, timeout=PATIENT_S)
        await in_the_options.setup()
        assert "correct-horse" not in repr(in_the_options)
        for store in (good, wrong, in_the_options):
            await store.close()


@pytest.mark.parametrize("url", ["redis://user:se/cret@host:6379", "http://:secret@host", "secret"])
def test_a_url_that_cannot_be_read_is_refused_without_showing_its_password(url):
    with pytest.raises(UsageError) as caught:
        RedisStore(url)
    assert "cret" not in str(caught.value)


def test_a_store_works_in_one_event_loop_after_another(redis_url, prefix):
    store = RedisStore(redis_url, prefix=prefix, timeout=PATIENT_S)

    async def turn():
        committed = await put(store, "a")
        await store.close()
        return committed.revision

    assert [asyncio.run(turn()) for _ in range(3)] == [1, 2, 3]


def test_an_event_loop_that_ends_under_way_does_no_harm(own_server):
    store = RedisStore(own_server.url, timeout=PATIENT_S)

    async def leave():
        own_server.pause()
        tasks = [asyncio.create_task(claim(store, "a")) for _ in range(3)]
        for _ in range(20):
            await asyncio.sleep(0.001)
        tasks.append(asyncio.create_task(claim(store, "b")))
        await asyncio.sleep(0)
        return tasks

    tasks = asyncio.run(leave())
    assert all(task.cancelled() for task in tasks)
    own_server.resume()

    async def turn():
        committed = await put(store, "a", now=NOW + LEASE_S)
        await store.close()
        return committed.revision

    assert asyncio.run(turn()) == 1


async def test_a_closed_store_opens_again_when_it_is_used(store):
    await put(store, "a")
    await store.close()
    assert (await put(store, "a")).revision == 2


async def test_closing_waits_for_what_is_under_way(redis_url, prefix, client):
    store = RedisStore(redis_url, prefix=prefix, timeout=PATIENT_S)
    tasks = [asyncio.create_task(claim(store, f"{number}")) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert len(await asyncio.gather(*tasks)) == 20
    assert len(await keys_of(client, prefix)) == 20


async def test_a_client_of_ones_own_is_left_open(redis_url, prefix):
    client = Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), client_name=prefix, **PATIENT)
    store = RedisStore(client=client, prefix=prefix, timeout=PATIENT_S)
    await put(store, "a")

    async def connections():
        # The server may have others yet, which tests before this one have left.
        return [each["id"] for each in await client.client_list() if each["name"] == prefix]

    before = await connections()
    await store.close()
    assert await connections() == before
    assert "own client" in repr(store)
    await client.aclose()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retry": Retry(NoBackoff(), 3)}, "repeats commands"),
        ({"retry": Retry(NoBackoff(), 0), "decode_responses": True}, "decodes responses"),
    ],
)
def test_a_client_that_would_do_harm_is_refused(options, said):
    with pytest.raises(UsageError, match=said):
        RedisStore(client=Redis(**options))


@pytest.mark.parametrize("arguments", [{"prefix": "app{1}"}, {"timeout": 0}, {"timeout": -1}])
def test_arguments_that_do_not_do_are_refused(arguments):
    with pytest.raises(UsageError):
        RedisStore(**arguments)


def test_without_its_library_the_store_says_what_to_install():
    code = """
import sys
sys.modules["redis"] = None
from dialogs.errors import UsageError
from dialogs.stores.redis import RedisStore
try:
    RedisStore()
except UsageError as error:
    print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert 'pip install "resumable-dialogs[redis]"' in said
