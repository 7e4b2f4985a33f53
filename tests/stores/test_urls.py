"""Stores by URL."""

import subprocess
import sys

import pytest

from dialogs import UsageError
from dialogs.stores.memory import MemoryStore
from dialogs.stores.sqlite import SQLiteStore
from dialogs.stores.urls import store_from_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///bot.db", "SQLiteStore('bot.db')"),
        ("sqlite:///kept/bot.db", "SQLiteStore('kept/bot.db')"),
        ("sqlite:////srv/bot.db", "SQLiteStore('/srv/bot.db')"),
        ("SQLITE:///bot.db", "SQLiteStore('bot.db')"),
        ("redis://:pw@localhost:6390/3", "RedisStore('redis://"),
        ("rediss://localhost", "RedisStore('rediss://"),
        ("postgresql://me:pw@localhost/scratch", "<PostgresStore"),
        ("postgres://me@localhost/scratch", "<PostgresStore"),
        ("mongodb://me:pw@localhost/bots", "MongoStore("),
    ],
)
def test_a_url_names_a_store_and_its_password_is_not_shown(url, shown):
    store = store_from_url(url)
    assert repr(store).startswith(shown)
    assert "pw" not in repr(store)


def test_memory_is_a_store_of_its_own_each_time():
    first, second = store_from_url("memory:"), store_from_url("memory:")
    assert isinstance(first, MemoryStore)
    assert first is not second


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("mongodb://localhost/bots", "bots"),
        ("mongodb://localhost/", "dialogs"),
        ("mongodb://localhost?appName=x", "dialogs"),
        ("mongodb://localhost/my%2Dbots?appName=x", "my-bots"),
    ],
)
def test_the_path_of_a_mongodb_url_is_the_database(url, database):
    assert f", {database}.conversations)" in repr(store_from_url(url))


def test_a_file_may_be_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert repr(store_from_url("sqlite:///~/bot.db")) == repr(SQLiteStore(tmp_path / "bot.db"))


async def test_what_is_kept_in_a_file_is_found_there(tmp_path):
    store = store_from_url(f"sqlite:///{tmp_path}/made/bot.db")
    claim = await store.claim("a", now=0.0, lease_s=30)
    await store.commit(claim, b"body", now=0.0, status="OPEN")
    await store.close()
    again = SQLiteStore(tmp_path / "made" / "bot.db")
    assert (await again.load("a", now=0.0)).body == b"body"
    await again.close()


@pytest.mark.parametrize("url", ["", "bot.db", "mysql://me:geheim@localhost/x", "geheim", "://"])
def test_what_names_no_store_is_refused_with_the_forms_that_do(url):
    with pytest.raises(UsageError, match=r"sqlite:///bot\.db") as caught:
        store_from_url(url)
    if ":" in url:
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite:bot.db", "sqlite://bot.db", "sqlite:///", "sqlite:"])
def test_a_sqlite_url_without_a_file_says_how_to_write_it(url):
    with pytest.raises(UsageError, match="three slashes"):
        store_from_url(url)


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("redis://localhost", "redis", "redis"),
        ("postgresql://localhost/x", "psycopg", "postgres"),
        ("mongodb://localhost/x", "pymongo", "mongo"),
    ],
)
def test_a_client_that_is_not_installed_is_named_with_the_command(url, module, extra):
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from dialogs.stores.urls import store_from_url\n"
        f"try: store_from_url({url!r})\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("UsageError ")
    assert f'pip install "resumable-dialogs[{extra}]"' in done.stdout
