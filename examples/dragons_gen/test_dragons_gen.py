import os
import subprocess
import sys
from pathlib import Path

import pytest

from dialogs import InMemoryPersistence, run_dialog, run_gen_dialog
from examples.dragons.small_talk import small_talk as plain_small_talk
from examples.dragons.transcript import read_transcript
from examples.dragons_gen.primitives import chain, multichoice, prompt, yes_no
from examples.dragons_gen.small_talk import small_talk

ROOT = Path(__file__).parents[2]
TRANSCRIPT = read_transcript(ROOT / "examples/dragons/README.md")


def say(dialog_, persistence, answer):
    """One turn, as the terminal shows it."""
    return "\n".join(run_gen_dialog(dialog_, persistence, answer).messages)


def finish(dialog_, *answers):
    """What a dialog returns after these answers."""
    persistence = InMemoryPersistence()
    turn = run_gen_dialog(dialog_, persistence, "")
    for answer in answers:
        turn = run_gen_dialog(dialog_, persistence, answer)
    assert turn.is_done
    return turn.return_value


def test_both_versions_say_the_same_and_keep_the_same_log():
    generators, plain = InMemoryPersistence(), InMemoryPersistence()
    for answer, said in TRANSCRIPT:
        turn = run_gen_dialog(small_talk(), generators, answer)
        assert turn == run_dialog(plain_small_talk(), plain, answer)
        assert "\n".join(turn.messages) == said
        assert generators.log == plain.log


@pytest.mark.parametrize("first", [0, 1])
def test_either_version_goes_on_with_a_conversation_of_the_other(first):
    persistence = InMemoryPersistence()
    versions = (small_talk, plain_small_talk)
    for number, (answer, said) in enumerate(TRANSCRIPT, first):
        assert say(versions[number % 2](), persistence, answer) == said
    assert run_gen_dialog(small_talk(), persistence, "").is_done


def test_two_conversations_share_what_was_built_once_and_do_not_mix():
    ada, ben = InMemoryPersistence(), InMemoryPersistence()
    for persistence in (ada, ben):
        say(small_talk(), persistence, "")

    say(small_talk(), ada, "Ada")
    say(small_talk(), ben, "Ben")
    assert "Ada the otter." in say(small_talk(), ada, "otter")
    say(small_talk(), ada, "no")
    assert "Ben the heron." in say(small_talk(), ben, "heron")
    say(small_talk(), ben, "no")
    assert say(small_talk(), ada, "2").startswith("Leek.")
    assert say(small_talk(), ben, "2").startswith("Leek.")
    assert say(small_talk(), ada, "salt").startswith("We are out of that.")
    assert say(small_talk(), ben, "") == "What would you put in it?"
    assert say(small_talk(), ada, "3") == "Safe road, Ada. Mind the otter on the stairs."


def test_primitives_insist_on_a_valid_answer():
    assert finish(prompt("How old?", is_valid=str.isdigit), "", "old", " 36 ") == "36"
    assert finish(yes_no("Well?"), "perhaps", "Y") is True
    assert finish(yes_no("Well?"), "perhaps", "no") is False
    assert finish(multichoice("Which?", ["tea", "rum"]), "0", "3", "rum", "2") == "rum"


def test_prompt_insists_and_asks_again():
    persistence, age = InMemoryPersistence(), prompt("How old?", is_valid=str.isdigit)
    assert say(age, persistence, "") == "How old?"
    assert say(age, persistence, "old") == "Pardon?\nHow old?"
    assert say(age, persistence, " ") == "How old?"


def test_chain_gives_the_answer_of_its_last_step():
    assert finish(chain(prompt("Who?"), prompt("And who?")), "Ada", "Ben") == "Ben"


def test_program_ends_quietly_with_its_input_and_goes_on_when_started_again(tmp_path):
    def program(*lines):
        return subprocess.run(
            [sys.executable, "-m", "examples.dragons_gen.chat_example"],
            input="".join(f"{line}\n" for line in lines),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
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
