import os
import subprocess
import sys
from pathlib import Path

import pytest

from dialogs import InMemoryPersistence, ReplayError, call, dialog, run, run_dialog, send_message
from examples.dragons import chat_example
from examples.dragons.primitives import chain, multichoice, prompt, yes_no
from examples.dragons.small_talk import small_talk
from examples.dragons.transcript import read_transcript

README = Path(__file__).with_name("README.md")
TRANSCRIPT = read_transcript(README)


def say(dialog_, persistence, answer):
    """One turn, as the terminal shows it."""
    return "\n".join(run_dialog(dialog_, persistence, answer).messages)


def finish(dialog_, *answers):
    """What a dialog returns after these answers."""
    persistence = InMemoryPersistence()
    turn = run_dialog(dialog_, persistence, "")
    for answer in answers:
        turn = run_dialog(dialog_, persistence, answer)
    assert turn.is_done
    return turn.return_value


def test_the_bot_says_what_the_readme_shows():
    persistence = InMemoryPersistence()
    for answer, said in TRANSCRIPT:
        assert say(small_talk(), persistence, answer) == said
    assert run_dialog(small_talk(), persistence, "").is_done


def test_two_conversations_share_what_was_built_once_and_do_not_mix():
    ada, ben = InMemoryPersistence(), InMemoryPersistence()
    for persistence in (ada, ben):
        say(small_talk(), persistence, "")

    say(small_talk(), ada, "Ada")
    say(small_talk(), ben, "Ben")
    assert "Ada the otter." in say(small_talk(), ada, "otter")
    say(small_talk(), ada, "no")
    assert "Ben the heron." in say(small_talk(), ben, "heron")
    assert say(small_talk(), ada, "2").startswith("Leek.")
    assert say(small_talk(), ben, "no").startswith("Then the heron")
    assert say(small_talk(), ben, "2").startswith("Leek.")
    assert say(small_talk(), ada, "salt").startswith("We are out of that.")
    assert say(small_talk(), ben, "") == "What would you put in it?"
    assert say(small_talk(), ada, "3") == "Safe road, Ada. Mind the otter on the stairs."
    assert say(small_talk(), ben, "salt").startswith("We are out of that.")
    assert say(small_talk(), ben, "3") == "Safe road, Ben. Mind the heron on the stairs."


def test_whoever_is_sure_of_dragons_is_asked_again():
    persistence = InMemoryPersistence()
    for answer in ("", "Ada", "otter", "no", "1"):
        say(small_talk(), persistence, answer)
    for _ in range(3):
        assert say(small_talk(), persistence, "yes") == (
            "They all say that. Think again.\n"
            "Do you think a dragon would pay for the third? (yes or no)"
        )


def test_prompt_takes_the_first_valid_answer_without_the_blanks_around_it():
    assert finish(prompt("How old?", is_valid=str.isdigit), "", "old", " 36 ") == "36"


def test_prompt_insists_and_asks_again():
    persistence = InMemoryPersistence()
    who = prompt("Who?", "I must know.", str.isalpha)
    assert say(who, persistence, "") == "Who?"
    assert say(who, persistence, "42") == "I must know.\nWho?"
    assert say(who, persistence, " ") == "Who?"
    assert say(who, persistence, "Ada") == ""


@pytest.mark.parametrize(
    ("answer", "result"), [("yes", True), ("Y", True), ("no", False), (" N ", False)]
)
def test_yes_no_gives_true_or_false(answer, result):
    assert finish(yes_no("Well?"), "perhaps", answer) is result


def test_multichoice_gives_the_option_and_takes_numbers_only():
    assert finish(multichoice("Which?", ["tea", "rum"]), "0", "3", "rum", "2") == "rum"


def test_chain_gives_the_answer_of_its_last_step():
    assert finish(chain(send_message("First."), prompt("Who?"), call(max, 1, 2)), "Ada") == 2
    assert finish(chain()) is None


def test_chain_built_once_asks_anew_each_time_it_is_run():
    ask_twice = chain(prompt("Name one."), prompt("Another?"))

    @dialog
    def collect():
        return [run(ask_twice), run(ask_twice)]

    assert finish(collect(), "a", "b", "c", "d") == ["b", "d"]


def test_questions_that_change_places_under_an_open_conversation_are_noticed():
    name, town, age = prompt("Name?"), prompt("Town?"), prompt("Age?")
    persistence = InMemoryPersistence()
    for answer in ("", "Ada", "London"):
        say(chain(name, town, age), persistence, answer)
    with pytest.raises(ReplayError, match=r"Name\?.*Town\?"):
        say(chain(town, name, age), persistence, "36")
    assert say(chain(name, town, age), persistence, "36") == ""


def test_program_ends_quietly_with_its_input_and_goes_on_when_started_again(tmp_path):
    def program(*lines):
        return subprocess.run(
            [sys.executable, "-m", "examples.dragons.chat_example"],
            input="".join(f"{line}\n" for line in lines),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(README.parents[2])},
            capture_output=True,
            text=True,
            check=True,
        )

    first = program("Ada")
    assert first.stdout.endswith("Which animal would you come back as?\n> \n")
    second = program("otter", "no", "3")
    assert second.stdout.startswith("Which animal would you come back as?\n> Ada the otter.")
    assert second.stdout.endswith("Safe road, Ada. Mind the otter on the stairs.\n")
    assert first.stderr == second.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_after_every_answer_loses_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shown = TRANSCRIPT[0][1]
    for answer, said in TRANSCRIPT[1:]:
        typed = iter([answer])
        monkeypatch.setattr("builtins.input", lambda _, typed=typed: next_line(typed))
        chat_example.main()
        question = capsys.readouterr().out.strip().removesuffix(said).strip()
        assert question
        assert shown.endswith(question)
        shown = said
    assert list(tmp_path.iterdir()) == []


def next_line(typed):
    """What a person types, who then presses Ctrl-C."""
    for line in typed:
        return line
    raise KeyboardInterrupt
