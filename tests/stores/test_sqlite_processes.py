"""SQLiteStore on one file that several processes use, and that some of them die on."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from dialogs.errors import Busy
from dialogs.stores.sqlite import SQLiteStore

NOW = 1_000.0
ROOT = Path(__file__).parents[2]

INCREMENT = """
    import asyncio, sys
    from dialogs.errors import Busy
    from dialogs.stores.sqlite import SQLiteStore

    async def increment(store, chat_id):
        while True:
            try:
                claim = await store.claim(chat_id, now=1_000.0, lease_s=30)
                break
            except Busy:
                await asyncio.sleep(0.001)
        body = str(int(claim.body or b"0") + 1).encode()
        return await store.commit(claim, body, now=1_000.0, status="OPEN")
"""


def python(code, *args):
    """A process that runs some code."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def done(process, text=None):
    """What a process says until it ends, which it must do well."""
    said, errors = process.communicate(text, timeout=100)
    assert process.returncode == 0, errors
    return said


def read(path, chat_id):
    async def load():
        store = SQLiteStore(path, timeout=60)
        try:
            return await store.load(chat_id, now=NOW)
        finally:
            await store.close()

    return asyncio.run(load())


def test_processes_that_start_at_once_on_a_new_file_lose_no_increment(tmp_path):
    code = f"""{INCREMENT}
    async def main():
        store = SQLiteStore(sys.argv[1], timeout=60)
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(15):
            await asyncio.gather(*(increment(store, chat_id) for chat_id in ("a", "b", "a")))
        await store.close()

    asyncio.run(main())
    """
    path = tmp_path / "new" / "bot.db"
    processes = [python(code, path) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        done(process)
    for chat_id, count in {"a": 4 * 30, "b": 4 * 15}.items():
        stored = read(path, chat_id)
        assert (stored.body, stored.revision) == (str(count).encode(), count)


def test_what_a_killed_process_committed_is_there_and_its_lease_runs_on(tmp_path):
    code = f"""{INCREMENT}
    async def main():
        store = SQLiteStore(sys.argv[1], timeout=60)
        await store.claim("held", now=1_000.0, lease_s=30)
        while True:
            print((await increment(store, "a")).revision, flush=True)

    asyncio.run(main())
    """
    path = tmp_path / "bot.db"
    process = python(code, path)
    for count in range(1, 21):
        assert int(process.stdout.readline()) == count
    process.send_signal(signal.SIGKILL)
    said, _ = process.communicate(timeout=100)
    last = int(said.split()[-1]) if said.split() else 20
    stored = read(path, "a")
    # It may have committed once more than it could say.
    assert stored.revision in {last, last + 1}
    assert stored.body == str(stored.revision).encode()

    async def take_over():
        store = SQLiteStore(path, timeout=60)
        with pytest.raises(Busy):
            await store.claim("held", now=NOW + 29, lease_s=30)
        await store.claim("held", now=NOW + 30, lease_s=30)
        await store.close()

    asyncio.run(take_over())


FORK = f"""{INCREMENT}
    import os, warnings
    from dialogs.errors import UsageError
    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
    store = SQLiteStore(sys.argv[1], timeout=60)
    asyncio.run(increment(store, "a"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_was_forked_from_one_that_has_the_file_open_may_not_use_it(tmp_path):
    code = f"""{FORK}
    child = os.fork()
    if child == 0:
        for mine in (store, SQLiteStore(sys.argv[1], timeout=60)):
            try:
                asyncio.run(increment(mine, "a"))
            except UsageError as error:
                print(error, flush=True)
            asyncio.run(mine.close())
        asyncio.run(increment(SQLiteStore(sys.argv[1] + ".mine"), "a"))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    asyncio.run(increment(store, "a"))
    asyncio.run(store.close())
    """
    path = tmp_path / "bot.db"
    said = done(python(code, path))
    assert said.count("was opened before this process was forked") == 2
    assert read(path, "a").body == b"2"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_was_forked_after_the_store_was_closed_can_use_it(tmp_path):
    code = f"""{FORK}
    asyncio.run(store.close())
    child = os.fork()
    asyncio.run(increment(store, "a"))
    asyncio.run(store.close())
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    """
    path = tmp_path / "bot.db"
    done(python(code, path))
    assert read(path, "a").body == b"3"


def test_what_a_second_store_object_opens_and_closes_leaves_the_first_one_its_locks(tmp_path):
    look = """
    import asyncio, sys
    from dialogs.stores.sqlite import SQLiteStore

    async def main():
        store = SQLiteStore(sys.argv[1], timeout=60)
        print(sorted([stored.chat_id async for stored in store.scan(now=1_000.0)]))
        await store.close()

    asyncio.run(main())
    """
    path = tmp_path / "bot.db"

    async def put(store, chat_id):
        claim = await store.claim(chat_id, now=NOW, lease_s=30)
        await store.commit(claim, b"body", now=NOW, status="OPEN")

    async def main():
        first, second = SQLiteStore(path, timeout=60), SQLiteStore(path, timeout=60)
        await put(first, "a")
        await put(second, "b")
        # The last one that closes a file deletes its write-ahead log: that is not this one.
        assert done(python(look, path)) == "['a', 'b']\n"
        await put(first, "c")
        await put(second, "d")
        assert done(python(look, path)) == "['a', 'b', 'c', 'd']\n"
        await first.close()
        await second.close()

    asyncio.run(main())


def test_an_interpreter_ends_while_its_store_is_open(tmp_path):
    code = f"""{INCREMENT}
    store = SQLiteStore(sys.argv[1], timeout=60)
    asyncio.run(increment(store, "a"))
    """
    path = tmp_path / "bot.db"
    done(python(code, path))
    assert read(path, "a").body == b"1"


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="permissions as POSIX has them")
def test_a_folder_that_may_not_be_written_is_said():
    code = f"""{INCREMENT}
    import os
    from dialogs.errors import StoreUnavailable

    if os.getuid() == 0:
        # What is not permitted, root may do all the same.
        os.setuid(65_534)
    try:
        asyncio.run(increment(SQLiteStore(sys.argv[1] + "/bot.db"), "a"))
    except StoreUnavailable as error:
        print(error.operation, error)
    """
    # Not below tmp_path, which is closed to others than its owner.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        said = done(python(code, folder))
        Path(folder).chmod(0o755)
    assert said.startswith("claim SQLiteStore(")
    assert "Permission denied" in said
    assert "Let this process read and write the file and its folder." in said
