import asyncio
import builtins
import signal

import pytest

from dialogs import (
    DialogStepDone,
    DialogStepNotDone,
    InMemoryPersistence,
    run_async_gen_dialog,
    run_dialog,
    run_gen_dialog,
)
from examples.guessbot import game, game_async_gen, game_coroutine, game_plain, local
from examples.guessbot.rules import is_guess

STYLES = [game, game_coroutine, game_plain, game_async_gen]
WITHOUT_PAUSE = STYLES[:3]
TRANSCRIPT = [
    ("", ["I am thinking of a number from 1 to 10. Which one?"]),
    ("5", ["5 is too low."]),
    ("abc", ["A whole number from 1 to 10, please."]),
    ("11", ["A whole number from 1 to 10, please."]),
    ("", ["I am thinking of a number from 1 to 10. Which one? 5 is too low."]),
    (" 9 ", ["9 is too high."]),
    ("", ["I am thinking of a number from 1 to 10. Which one? 5 is too low. 9 is too high."]),
    ("7", ["Yes, it is 7! Guesses you needed: 3."]),
]

styles = pytest.mark.parametrize("style", STYLES, ids=lambda module: module.__name__)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(game_async_gen, "THINKING_S", 0)


async def play(modules, answers):
    """Give each answer to the next of these modules; the log after each turn, and the last step."""
    log, logs, step = InMemoryPersistence(), [], None
    for number, answer in enumerate(answers):
        module = modules[number % len(modules)]
        step = await run_async_gen_dialog(module.game(), log, answer)
        logs.append(log.load())
    return logs, step


@styles
@pytest.mark.usefixtures("secret_is_7")
async def test_every_style_plays_the_transcript(style):
    log = InMemoryPersistence()
    for answer, messages in TRANSCRIPT:
        step = await run_async_gen_dialog(style.game(), log, answer)
        done = DialogStepDone(3, messages)
        assert step == (done if answer == "7" else DialogStepNotDone(messages))


@pytest.mark.parametrize("runner", [run_gen_dialog, run_dialog])
@pytest.mark.parametrize("style", WITHOUT_PAUSE, ids=lambda module: module.__name__)
@pytest.mark.usefixtures("secret_is_7")
def test_the_styles_without_a_pause_need_no_event_loop(runner, style):
    log = InMemoryPersistence()
    for answer, messages in TRANSCRIPT:
        assert runner(style.game(), log, answer).messages == messages


@pytest.mark.usefixtures("secret_is_7")
def test_the_local_game_plays_the_same_but_for_the_reminders(monkeypatch, capsys):
    exchanges = [exchange for exchange in TRANSCRIPT[1:] if exchange[0]]
    answers = iter([answer for answer, _ in exchanges])
    monkeypatch.setattr(builtins, "input", lambda _prompt: next(answers))
    local.game()
    said = [line for _, messages in TRANSCRIPT[:1] + exchanges for line in messages]
    assert capsys.readouterr().out.splitlines() == said


@pytest.mark.parametrize("ending", [None, signal.SIGINT])
def test_the_local_game_ends_quietly_with_its_input_and_on_ctrl_c(terminal, ending):
    program = terminal("-m", "examples.guessbot.local")
    assert program.say("abc") == ["A whole number from 1 to 10, please."]
    assert program.end(ending) == (0, "")


async def test_the_styles_without_a_pause_write_the_same_log(monkeypatch):
    monkeypatch.setattr("random.randint", lambda _low, _high: 7)
    answers = [answer for answer, _ in TRANSCRIPT]
    first, *others = [(await play([style], answers))[0] for style in WITHOUT_PAUSE]
    assert len(set(first)) == len(TRANSCRIPT)
    assert others == [first, first]


@pytest.mark.usefixtures("secret_is_7")
async def test_a_game_that_changes_its_style_with_every_message_is_the_same_game():
    answers = [answer for answer, _ in TRANSCRIPT]
    _, step = await play(WITHOUT_PAUSE, answers)
    assert step == DialogStepDone(3, TRANSCRIPT[-1][1])


@pytest.mark.usefixtures("secret_is_7")
async def test_the_pause_is_slept_once_for_each_guess(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(game_async_gen, "THINKING_S", 0.5)
    await play([game_async_gen], ["", "5", "abc", "", "9", "7"])
    assert slept == [0.5, 0.5, 0.5]


async def test_an_edited_game_says_so_and_starts_anew(monkeypatch):
    log = InMemoryPersistence()
    run_gen_dialog(game.game(), log, "", game.changed())
    monkeypatch.setattr(game, "reply", lambda *_: "What number do I think of?")
    step = run_gen_dialog(game.game(), log, "5", game.changed())
    assert step.messages == [
        "The game was changed since you played last, so let us start anew.",
        "What number do I think of?",
    ]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("1", True),
        (" 10\t", True),
        ("0", False),
        ("11", False),
        ("-5", False),
        ("5.0", False),
        ("five", False),
        ("", False),
        ("9" * 5000, False),
    ],
)
def test_a_guess_is_a_whole_number_from_1_to_10(answer, expected):
    assert is_guess(answer) is expected
