import signal
from pathlib import Path

import pytest

from dialogs import (
    FilePersistence,
    InMemoryPersistence,
    dialog,
    get_client_response,
    run_gen_dialog,
    send_message,
)
from examples.guessbot.game import game

HEADER = "This game is kept in guessbot.dialog; delete that file to start over."
QUESTION = "I am thinking of a number from 1 to 10. Which one?"
PROMPTS = ("> ", "Another game? [Y/n] ")


@pytest.fixture
def chat(terminal):
    """Starts the chat in this test's folder."""
    return lambda *arguments: terminal("-m", "examples.guessbot.chat", *arguments)


def secret_in(path):
    """The secret number of a game, found by playing copies of it."""
    for guess in map(str, range(1, 11)):
        if run_gen_dialog(game(), InMemoryPersistence(path.read_bytes()), guess).is_done:
            return guess
    raise AssertionError("no number is the secret one")


def test_the_readme_shows_what_the_terminal_shows(terminal):
    readme = (Path(__file__).parent / "README.md").read_text()
    shown = (
        readme.split("```console\n")[1]
        .split("```")[0]
        .split("$ python -m examples.guessbot.chat\n")[1:]
    )
    # The second run would draw another number, if it drew one.
    for number, lines in zip((7, 3), shown, strict=True):
        program = terminal(
            "-c",
            f"import random, runpy; random.randint = lambda *_: {number};"
            'runpy.run_module("examples.guessbot.chat", run_name="__main__")',
        )
        screen = program.screen
        for line in lines.splitlines():
            prompt = next((prompt for prompt in PROMPTS if line.startswith(prompt)), None)
            if prompt is None:
                assert screen.pop(0) == line
                continue
            assert screen == []
            answer = line.removeprefix(prompt)
            if answer == "^C":
                assert program.end(signal.SIGINT) == (0, "")
            else:
                screen = program.say(answer)
        assert screen == []
        assert program.end() == (0, "")


@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 0), (None, 0)]
)
def test_a_game_that_was_stopped_goes_on_where_it_was(chat, tmp_path, ending, code):
    file = tmp_path / "guessbot.dialog"
    program = chat()
    assert program.screen == [HEADER, QUESTION]
    secret = secret_in(file)
    first, second, *_ = (str(number) for number in range(1, 11) if str(number) != secret)
    [verdict] = program.say(first)
    assert program.end(ending) == (code, "")

    program = chat()
    assert program.screen == [HEADER, f"{QUESTION} {verdict}"]
    assert secret_in(file) == secret
    assert program.say("abc") == ["A whole number from 1 to 10, please."]
    assert len(program.say(second)) == 1
    assert program.say(secret) == [f"Yes, it is {secret}! Guesses you needed: 3."]


def test_a_finished_game_says_so_and_another_can_be_had(chat, tmp_path):
    file = tmp_path / "guessbot.dialog"
    program = chat()
    program.say(secret_in(file))
    assert program.end(signal.SIGKILL) == (-signal.SIGKILL, "")

    program = chat()
    assert program.screen == [HEADER, "Your last game is over. Guesses you needed: 1."]
    assert program.say("n") == []
    assert program.end() == (0, "")

    program = chat()
    assert program.say("") == [QUESTION]
    assert program.say(secret_in(file))[0].endswith("Guesses you needed: 1.")
    assert program.say("y") == [QUESTION]


@pytest.mark.parametrize("ending", [None, signal.SIGINT])
def test_it_ends_quietly_where_it_offers_another_game(chat, tmp_path, ending):
    program = chat()
    program.say(secret_in(tmp_path / "guessbot.dialog"))
    assert program.end(ending) == (0, "")


def test_the_file_can_be_named(chat, tmp_path):
    program = chat("mine.dialog")
    assert program.screen[0] == HEADER.replace("guessbot", "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.dialog"]


def test_a_deleted_file_starts_the_game_over(chat, tmp_path):
    program = chat()
    program.say("abc")
    program.end(signal.SIGKILL)
    (tmp_path / "guessbot.dialog").unlink()
    assert chat().screen == [HEADER, QUESTION]


def test_a_game_that_older_code_began_starts_anew_and_says_why(chat, tmp_path):
    @dialog(name="game")
    def older_game():
        yield send_message("Guess!")
        yield get_client_response()

    run_gen_dialog(older_game(), FilePersistence(tmp_path / "guessbot.dialog"), "")
    assert chat().screen == [
        HEADER,
        "The game was changed since you played last, so let us start anew.",
        QUESTION,
    ]


def test_a_file_that_is_no_log_is_left_alone_with_a_word_of_advice(chat, tmp_path):
    file = tmp_path / "guessbot.dialog"
    file.write_text("my shopping list")
    program = chat()
    _, advice = program.screen
    assert advice.startswith("guessbot.dialog: ")
    assert program.end() == (1, "")
    assert file.read_text() == "my shopping list"
