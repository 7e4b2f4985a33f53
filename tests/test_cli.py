"""The `dialogs` command, run as people and scripts run it."""

import contextlib
import os
import re
import signal
import sqlite3
import stat
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from dialogs import UsageError
from dialogs.cli import main
from dialogs.cli.targets import find_target
from tests.terminals import CLONE, KILLED, LIMIT_S, Pipe, Window, run

BOT = """
from dialogs import *
from dialogs.prompts import choose
from dialogs.stores import MemoryStore, SQLiteStore

@dialog
def shop():
    drink = yield choose("What would you like?", {"Tea": 2, "Coffee": 3})
    yield send_message("[b]How many?[/b]")
    count = yield get_client_response()
    if count == "boom":
        raise ValueError("too many")
    return drink * int(count)

@dialog
def nap():
    yield send_message("Are you there?")
    try:
        yield get_client_response(timeout=0.5)
    except ResponseTimeout:
        yield send_message("Never mind.")
    return (yield get_client_response())

@dialog
def opened(first):
    yield send_message(f"You said {first}.")

@dialog
def sized(size, colour):
    yield send_message("Never.")

class Shy:
    # Like the proxies of web frameworks, which raise outside of a request, whatever is asked.
    def __getattribute__(self, name):
        raise RuntimeError("outside of a request")

bot = Orchestrator(shop, store=SQLiteStore("mine.db"), on_completed="ignore")
blocking = BlockingOrchestrator(bot)
big = sized(3, "red")
number = 42
request = Shy()
"""

in_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="it has no pty")


MODULES = ("shop", "needy", "empty", "single")


def forget_modules():
    """Let them be imported anew, from whichever folder is the current one."""
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def folder(tmp_path):
    tmp_path.joinpath("shop.py").write_text(BOT)
    tmp_path.joinpath("empty.py").write_text("from shop import shop\n")
    tmp_path.joinpath("single.py").write_text(
        "from shop import shop, opened\nfrom dialogs import dialog, send_message\n\n"
        '@dialog\ndef hello():\n    yield send_message("Hello!")\n'
    )
    return tmp_path


@pytest.fixture
def here(folder, monkeypatch):
    """The folder, as the current one of this process; what is imported from it is forgotten."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    yield folder
    forget_modules()


@pytest.fixture
def run_here(here, monkeypatch, capfd):
    """Runs the command in this process, which is faster: its exit code and what it said."""
    monkeypatch.setenv("XDG_STATE_HOME", str(here / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    stdin = os.dup(0)

    def run_here(*arguments, text="", folder=here):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
        monkeypatch.setattr(sys, "argv", ["dialogs", *arguments])
        with tempfile.TemporaryFile() as lines:
            lines.write(text.encode())
            lines.seek(0)
            os.dup2(lines.fileno(), 0)
        forget_modules()
        before = threading.enumerate()
        with pytest.raises(SystemExit) as caught:
            main()
        for reader in set(threading.enumerate()) - set(before):
            reader.join(60)  # else it may read the lines of the next one
        said = capfd.readouterr()
        return SimpleNamespace(returncode=caught.value.code or 0, stdout=said.out, stderr=said.err)

    yield run_here
    os.dup2(stdin, 0)
    os.close(stdin)


@pytest.fixture
def start(folder):
    """Starts the command in a pipe, or in a terminal."""
    started = []

    def start(*arguments, kind=Pipe):
        started.append(kind(*arguments, folder=folder))
        return started[-1]

    yield start
    for program in started:
        program.close()


# --- finding the dialog ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere:game", "There is no module 'nowhere'"),
        ("shop.nowhere:game", "There is no module 'shop.nowhere'"),
        ("shop:shp", "'shop' has: shop, nap, opened, sized, bot, blocking, big."),
        ("shop", "several dialogs to choose from"),
        ("empty", "'empty' makes no dialog and no Orchestrator"),
        ("shop:number", "neither a dialog nor an Orchestrator"),
        ("shop:Orchestrator", "neither a dialog nor an Orchestrator"),
        ("shop.py:shop", "Write shop:shop."),
        ("./shop.py", "Write shop:NAME."),
        ("", "Write package.module:NAME."),
    ],
)
def test_what_cannot_be_found_is_told_with_what_can(here, path, words):
    with pytest.raises(UsageError) as caught:
        find_target(path)
    assert words in str(caught.value)


def test_what_is_told_wrong_ends_with_2_and_without_a_traceback(folder):
    done = run("chat", "shop:sized", folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs 2 arguments" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_blocking_orchestrator_stands_for_the_one_that_it_was_made_of(here):
    found = find_target("shop:blocking").found
    assert found is sys.modules["shop"].bot


@pytest.mark.parametrize("path", ["shop:shop", "shop:bot", "shop:big", "single"])
def test_dialogs_calls_of_them_and_orchestrators_are_found_from_the_current_folder(here, path):
    target = find_target(path)
    assert target.path == (path if ":" in path else "single:hello")
    assert target.file == here / f"{path.partition(':')[0]}.py"
    assert target.found is getattr(sys.modules[path.partition(":")[0]], target.name)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def game(:", "SyntaxError: invalid syntax"),
    ],
)
def test_a_module_that_cannot_be_imported_shows_its_own_lines_and_no_others(folder, text, last):
    folder.joinpath("needy.py").write_text(f"{text}\n")
    done = run("chat", "needy:game", folder=folder)
    assert (done.returncode, done.stdout) == (1, "")
    first, *_, end = done.stderr.splitlines()
    assert first.startswith("The module 'needy' could not be imported.")
    assert end == last
    assert re.findall(r'File "(.*?)", line (\d+)', done.stderr) == [(f"{folder}/needy.py", "1")]
    assert text in done.stderr


@pytest.mark.parametrize(("path", "said"), [("shop:big", "Never."), ("shop:opened", "You said x.")])
def test_a_call_of_a_dialog_and_one_that_takes_the_opening_can_be_talked_to(run_here, path, said):
    assert run_here("chat", path, text="x\n").stdout == f"{said}\n"


# --- in a pipe ------------------------------------------------------------------------------------


def test_a_script_gets_the_messages_and_nothing_else(folder):
    done = run("chat", "shop:shop", folder=folder, text="2\n4\nnever read\n")
    assert done.stdout == "What would you like?\n  1. Tea\n  2. Coffee\n[b]How many?[/b]\n"
    assert done.stderr == "The conversation is over: COMPLETED. Result: 12\n"
    assert done.returncode == 0


def test_an_error_ends_a_script_with_1_and_the_conversation_can_go_on(run_here):
    done = run_here("chat", "shop:shop", text="tea\nboom\n3\n")
    assert done.returncode == 1
    assert re.search(r"^ValueError: too many \(shop.py:\d+ in shop\)$", done.stderr, re.MULTILINE)
    done = run_here("chat", "shop:shop", text="3\n")
    assert done.stdout == "[b]How many?[/b]\n"
    assert done.stderr.endswith("Result: 6\n")


@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGKILL, KILLED), (signal.SIGINT, 0), (None, 0)]
)
def test_a_conversation_that_was_stopped_goes_on_where_it_was(start, ending, code):
    program = start("chat", "shop:shop")
    question = [program.line() for _ in range(3)]
    assert question == ["What would you like?", "  1. Tea", "  2. Coffee"]
    program.say("coffee")
    assert program.line() == "[b]How many?[/b]"
    assert program.end(ending) == (code, "")

    program = start("chat", "shop:shop")
    assert program.line() == "[b]How many?[/b]"
    program.say("2")
    line = program.line()
    if "Another process holds this conversation" in line:  # it was killed within its turn
        line = program.line()
    assert line == "The conversation is over: COMPLETED. Result: 6"


def test_everybody_has_a_conversation_and_new_starts_it_over(run_here):
    def said(*options):
        return run_here("chat", "shop:shop", *options, text="tea\n").stdout

    question = "What would you like?\n  1. Tea\n  2. Coffee\n[b]How many?[/b]\n"
    assert said("--as", "ada") == question
    assert said("--as", "bob") == question
    assert run_here("chat", "shop:shop", "--as", "ada").stdout == "[b]How many?[/b]\n"
    assert said("--as", "ada", "--new") == question
    assert run_here("chat", "shop:shop", "--as", "bob").stdout == "[b]How many?[/b]\n"


def test_where_nobody_reads_on_it_leaves_and_what_was_not_shown_is_kept(folder, start):
    program = start("chat", "shop:shop")
    assert program.line() == "What would you like?"
    program.process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        for line in ("tea", "4", "never heard"):
            program.say(line)
    assert program.process.wait(LIMIT_S) == 0
    done = run("chat", "shop:shop", folder=folder, text="3\n")
    assert (done.stdout, done.stderr[-10:]) == ("[b]How many?[/b]\n", "Result: 6\n")


def test_an_empty_name_is_refused(run_here):
    done = run_here("chat", "shop:shop", "--as", " ")
    assert done.returncode == 2
    assert "empty name" in done.stderr


def test_a_late_message_is_said_while_a_line_is_waited_for(start):
    program = start("chat", "shop:nap")
    assert program.line() == "Are you there?"
    assert program.line() == "Never mind."
    program.say("yes")
    assert program.line() == "The conversation is over: COMPLETED. Result: 'yes'"


def test_input_that_is_no_text_does_no_harm(start):
    program = start("chat", "shop:opened")
    assert program.line() == "It begins with what you say."
    program.process.stdin.buffer.write(b"caf\xe9 \xff\r\n")
    program.process.stdin.flush()
    assert program.line() == "You said caf\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}."


# --- where it is kept -----------------------------------------------------------------------------


def test_conversations_are_kept_in_the_users_state_folder_for_nobody_else(folder, run_here):
    run_here("chat", "shop:shop")
    [file] = (folder / "state" / "dialogs").glob("*.db")
    assert re.fullmatch(r"shop-shop-[0-9a-f]{8}\.db", file.name)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(folder.glob("*.db"))


def test_the_same_module_in_another_folder_is_another_dialog(folder, run_here, tmp_path_factory):
    run_here("chat", "shop:shop", text="tea\n")
    clone = tmp_path_factory.mktemp("clone")
    clone.joinpath("shop.py").write_text(BOT)
    clone.joinpath("state").symlink_to(folder / "state")
    assert run_here("chat", "shop:shop", folder=clone).stdout.startswith("What would you like?")


def test_a_store_can_be_named(folder, run_here):
    for said in ("What would you like?", "[b]How many?[/b]"):
        done = run_here("chat", "shop:shop", "--store", "sqlite:///here.db", text="tea\n")
        assert said in done.stdout
    assert (folder / "here.db").exists()
    assert not (folder / "state").exists()


def test_memory_keeps_nothing(run_here):
    for _ in range(2):
        done = run_here("chat", "shop:shop", "--store", "memory:", text="tea\n")
        assert done.stdout.startswith("What would you like?")


@pytest.mark.parametrize("url", ["mysql://localhost/x", "redis:/x:y", "sqlite:x"])
def test_a_store_that_cannot_be_had_is_told_in_words(run_here, url):
    done = run_here("chat", "shop:shop", "--store", url)
    assert done.returncode in {1, 2}
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_does_not_answer_is_told_in_words(run_here):
    done = run_here("chat", "shop:shop", "--store", "redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_orchestrator_has_its_own_store_and_options(folder, run_here):
    assert run_here("chat", "shop:bot", text="tea\n2\n").returncode == 0
    assert (folder / "mine.db").exists()
    done = run_here("chat", "shop:bot", "--store", "memory:")
    assert done.returncode == 2
    assert "An Orchestrator has its store." in done.stderr
    # It ignores messages after the end, and can be begun all the same.
    assert run_here("chat", "shop:bot").stdout.startswith("What would you like?")


def test_a_conversation_that_cannot_be_read_is_told_and_new_starts_over(folder, run_here):
    run_here("chat", "shop:shop", "--store", "sqlite:///x.db")
    with sqlite3.connect(folder / "x.db") as file:
        file.execute("UPDATE dialogs_conversations SET body = x'00112233445566778899'")
    file.close()
    done = run_here("chat", "shop:shop", "--store", "sqlite:///x.db")
    assert done.returncode == 1
    assert "are not a conversation" in done.stderr
    listed = run_here("conversations", "shop:shop", "--store", "sqlite:///x.db")
    assert listed.returncode == 1
    assert "UNREADABLE" in listed.stdout
    done = run_here("chat", "shop:shop", "--store", "sqlite:///x.db", "--new")
    assert done.stdout.startswith("What would you like?")


# --- looking --------------------------------------------------------------------------------------


def test_conversations_that_new_code_does_not_fit_are_told_of(here, run_here):
    for name in ("ada", "ben"):
        run_here("chat", "shop:shop", "--as", name, "--store", "sqlite:///x.db")
    run_here("chat", "shop:shop", "--as", "ben", "--store", "sqlite:///x.db", text="tea\n")
    done = run_here("check", "shop:shop", "--store", "sqlite:///x.db")
    assert (done.returncode, done.stdout) == (0, "")
    file = here / "shop.py"
    file.write_text(file.read_text().replace("[b]How many?[/b]", "How much?"))
    forget_modules()
    done = run_here("check", "shop:shop", "--store", "sqlite:///x.db")
    assert done.returncode == 1
    assert done.stdout.startswith("console:ben:shop\tdialog 'shop' v1.0")
    assert done.stderr == "1 refused, 0 that start anew.\n"
    file.write_text(file.read_text().replace("@dialog\ndef shop", '@dialog(version="2")\ndef shop'))
    forget_modules()
    done = run_here("check", "shop:shop", "--store", "sqlite:///x.db")
    assert (done.returncode, done.stderr) == (0, "0 refused, 2 that start anew.\n")


def test_conversations_are_listed_with_where_they_wait_and_can_be_forgotten(run_here):
    run_here("chat", "shop:shop", "--as", "ada", text="tea\n")
    run_here("chat", "shop:shop", "--as", "bob", text="tea\n2\n")
    run_here("chat", "shop:shop", "--as", "cyd", text="tea\nboom\n")

    def listed(*options):
        done = run_here("conversations", "shop:shop", *options)
        assert done.returncode == 0
        return {line.split("\t")[0]: line.split("\t") for line in done.stdout.splitlines()}

    rows = listed()
    assert list(rows) == ["console:ada:shop", "console:bob:shop", "console:cyd:shop"]
    assert rows["console:ada:shop"][1] == "WAITING_FOR_RESPONSE"
    assert re.fullmatch(
        r"get_client_response in shop \(shop\.py:\d+\)", rows["console:ada:shop"][3]
    )
    assert rows["console:bob:shop"][1::2] == ["COMPLETED", "result: 4"]
    assert rows["console:cyd:shop"][3].endswith("after ValueError: too many")
    assert list(listed("--status", "error")) == ["console:cyd:shop"]

    done = run_here("forget", "shop:shop", "console:ada:shop", "console:zed:shop")
    assert (done.returncode, done.stdout) == (1, "Forgot console:ada:shop.\n")
    assert done.stderr == "There is no conversation console:zed:shop.\n"
    assert list(listed()) == ["console:bob:shop", "console:cyd:shop"]


# --- the command ----------------------------------------------------------------------------------


def test_the_command_tells_what_it_can_do(run_here):
    assert run_here("--version").stdout == "0.1.0\n"
    assert "conversations" in run_here("--help").stdout
    assert run_here("chta").returncode == 2


@pytest.mark.parametrize("absent", ["typer", "prompt_toolkit"])
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(folder, absent):
    import subprocess

    code = (
        f"import sys; sys.path.insert(0, {str(CLONE)!r})\n"
        "import importlib.util as util; found = util.find_spec\n"
        f"util.find_spec = lambda name: None if name == {absent!r} else found(name)\n"
        "from dialogs.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert absent.replace("_", "-") in done.stderr
    assert 'pip install "resumable-dialogs[cli]"' in done.stderr


# --- on a web page --------------------------------------------------------------------------------


class TestServe:
    @pytest.fixture(autouse=True)
    def web(self):
        pytest.importorskip("fastapi")
        pytest.importorskip("uvicorn")

    def test_a_dialog_is_served_and_stops_with_ctrl_c(self, start, folder):
        program = start("serve", "shop:shop", "--port", "0")
        assert program.line().startswith("shop:shop, kept in ")
        assert str(folder / "state") in program.line()
        while "Uvicorn running on" not in (line := program.line()):
            assert line  # an empty one is the end
        url = re.search(r"http://\S+", line)[0]
        with urllib.request.urlopen(f"{url}/health", timeout=30) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert "<title>shop</title>" in answer.read().decode()
        code, _ = program.end(signal.SIGINT)
        assert code in {0, -signal.SIGINT}

    def test_a_port_that_is_none_is_refused(self, run_here):
        done = run_here("serve", "shop:shop", "--port", "65536")
        assert done.returncode == 2
        assert "--port" in done.stderr

    def test_the_secret_is_made_once_for_the_user_alone(self, here, monkeypatch):
        from dialogs.cli.places import secret

        monkeypatch.setenv("XDG_STATE_HOME", str(here / "state"))
        monkeypatch.delenv("DIALOGS_SECRET", raising=False)
        made, place = secret()
        assert (made, place) == secret()
        assert len(made) >= 32
        assert Path(place).parent == here / "state" / "dialogs"
        assert stat.S_IMODE(Path(place).stat().st_mode) == 0o600
        monkeypatch.setenv("DIALOGS_SECRET", "of my own")
        assert secret() == ("of my own", "$DIALOGS_SECRET")

    def test_an_empty_secret_is_refused(self, here, monkeypatch):
        from dialogs.cli.places import secret

        monkeypatch.setenv("XDG_STATE_HOME", str(here / "state"))
        monkeypatch.setenv("DIALOGS_SECRET", "")
        Path(secret()[1]).write_text("")
        with pytest.raises(UsageError, match="is empty"):
            secret()


# --- in a terminal --------------------------------------------------------------------------------


@in_a_terminal
@pytest.mark.parametrize("keys", ["\x03", "\x04"])
def test_a_person_leaves_with_ctrl_c_or_ctrl_d_and_is_told_how_to_come_back(start, keys):
    window = start("chat", "shop:shop", "--as", "ada", kind=Window)
    window.wait_for("  2. Coffee\n")
    window.wait_for_prompt()
    window.type("2\r")
    window.wait_for("[b]How many?[/b]")
    window.wait_for_prompt()
    window.type(keys)
    assert window.end() == 0
    assert "Come back with: dialogs chat shop:shop --as ada" in window.text

    window = start("chat", "shop:shop", "--as", "ada", kind=Window)
    window.wait_for("[b]How many?[/b]")
    window.wait_for_prompt()
    window.type("5\r")
    window.wait_for("Result: 15")
    window.wait_for("Enter begins again; Ctrl-D leaves.")


@in_a_terminal
def test_a_late_message_appears_above_what_is_being_typed(start):
    window = start("chat", "shop:nap", kind=Window)
    window.wait_for("Are you there?")
    window.wait_for_prompt()
    window.type("half a line")
    window.wait_for("Never mind.")
    window.type(", and the rest\r")
    window.wait_for("Result: 'half a line, and the rest'")


@in_a_terminal
def test_a_person_who_is_killed_finds_what_came_late(start):
    window = start("chat", "shop:nap", kind=Window)
    window.wait_for("Are you there?")
    assert window.end(signal.SIGKILL) == KILLED
    window = start("chat", "shop:nap", kind=Window)
    window.wait_for("Never mind.")
    window.wait_for_prompt()
    window.type("thanks\r")
    window.wait_for("Result: 'thanks'")
