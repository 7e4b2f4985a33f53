import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from dialogs import Orchestrator, Status
from dialogs.stores import MemoryStore, SQLiteStore
from dialogs.testing import FakeClock
from examples.approval.__main__ import Mail, act, command_line
from examples.approval.approval import DAY, approval

README = Path(__file__).with_name("README.md")
REQUEST = {"who": "ada", "what": "a new laptop"}


class Outbox:
    """Keeps the mail: to whom, and its text."""

    def __init__(self):
        self.mail = []
        self.ids = []

    async def send_message(self, chat_id, message, *, delivery_id):  # noqa: ARG002
        self.mail.append((message.data["to"], message.text))
        self.ids.append(delivery_id)

    def taken(self):
        mail, self.mail = self.mail, []
        return mail


def people(mail):
    return [to for to, _ in mail]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def office(clock, outbox):
    return Orchestrator(approval, store=MemoryStore(), sender=outbox, clock=clock)


async def test_the_manager_is_asked_and_the_answer_is_told(office, outbox):
    await office.handle_message("1", REQUEST)
    assert people(outbox.taken()) == ["ada", "manager"]

    turn = await office.signal("1", "decision", {"verdict": "rejected", "by": "grace"})
    assert outbox.taken() == [("ada", "a new laptop: rejected by grace.")]
    assert turn.result == {"verdict": "rejected", "by": "grace"}


async def test_reminders_escalation_and_the_end_come_when_they_are_due(office, clock, outbox):
    await office.handle_message("1", REQUEST)
    outbox.taken()
    days = {}
    for hour in range(24 * 14):
        clock.advance(timedelta(hours=1))
        await office.fire_due()
        for to in people(outbox.taken()):
            days[(hour + 1) / 24] = to
    assert days == {2: "manager", 4: "manager", 6: "director", 8: "director", 10: "ada"}
    assert (await office.conversation("1")).status is Status.TIMED_OUT


@pytest.mark.parametrize("days", [0, 1, 3, 5, 7, 9])
async def test_a_decision_counts_at_every_stage(office, clock, days):
    await office.handle_message("1", REQUEST)
    for _ in range(days):
        clock.advance(timedelta(days=1))
        await office.fire_due()
    turn = await office.signal("1", "decision", {"verdict": "approved", "by": "grace"})
    assert (turn.status, turn.result["verdict"]) == (Status.COMPLETED, "approved")


async def test_what_became_due_while_no_worker_ran_is_made_up_for_before_a_decision_counts(
    office, clock, outbox
):
    await office.handle_message("1", REQUEST)
    outbox.taken()
    clock.advance(timedelta(days=3))
    turn = await office.signal("1", "decision", {"verdict": "approved", "by": "grace"})
    assert turn.status is Status.COMPLETED
    assert people(outbox.taken()) == ["manager", "ada"]


async def test_only_the_first_decision_counts(office, outbox):
    await office.handle_message("1", REQUEST)
    await office.signal("1", "decision", {"verdict": "approved", "by": "grace"})
    outbox.taken()
    turn = await office.signal("1", "decision", {"verdict": "rejected", "by": "bob"})
    assert turn.stale
    assert outbox.taken() == []
    assert (await office.conversation("1")).result["by"] == "grace"


async def test_where_a_request_waits_can_be_seen(office, clock):
    await office.handle_message("1", REQUEST)
    seen = (await office.conversation("1")).waiting
    assert re.sub(r":\d+", "", seen) == (
        "wait_for_signal decision in approval (approval.py) > decision_of (approval.py)"
    )
    for _ in range(3):
        clock.advance(2 * DAY)
        await office.fire_due()
    later = (await office.conversation("1")).waiting
    assert later != seen, "by now it waits for the director, at another line"


async def test_every_worker_is_another_process_and_each_reminder_is_sent_once(tmp_path, clock):
    outbox = Outbox()
    for _ in range(5):
        store = SQLiteStore(tmp_path / "approval.db")
        async with Orchestrator(approval, store=store, sender=outbox, clock=clock) as office:
            if await office.conversation("1") is None:
                await office.handle_message("1", REQUEST)
            await office.fire_due()
            await office.fire_due()
        clock.advance(2 * DAY)
    assert people(outbox.taken()) == ["ada", *["manager"] * 3, *["director"] * 2]
    assert len(set(outbox.ids)) == 6


# --- the program ------------------------------------------------------------------------------


def transcript():
    """The commands that the README shows, each with the lines that follow it."""
    shown = README.read_text().split("```console\n$ python -m examples.approval ")[1]
    for block in shown.split("```")[0].split("$ python -m examples.approval "):
        command, *lines = block.splitlines()
        yield command.split(), lines


async def test_the_readme_shows_what_the_program_prints(tmp_path, monkeypatch, capsys, clock):
    monkeypatch.chdir(tmp_path)
    numbers = iter(["4f09ab", "c1d27e"])
    monkeypatch.setattr("examples.approval.__main__.new_number", lambda: next(numbers))

    async def work_until(lines):
        """The worker, with days that pass at once, until it has printed so many lines."""
        store = SQLiteStore("approval.db")
        printed: list[str] = []
        async with Orchestrator(approval, store=store, sender=Mail(clock), clock=clock) as office:
            while len(printed) < lines:
                clock.advance(timedelta(hours=1))
                await office.fire_due()
                printed += sorted(capsys.readouterr().out.splitlines())
        return printed

    commands = 0
    for command, lines in transcript():
        commands += 1
        if command == ["worker"]:
            assert await work_until(len(lines) - 1) == lines[:-1]
            continue
        try:
            await act(command_line().parse_args(command), clock)
            last_words = []
        except SystemExit as error:
            last_words = [error.code]
        assert capsys.readouterr().out.splitlines() + last_words == lines
    assert commands == 8


class Program:
    """`python -m examples.approval` in a folder, where a day takes a fifth of a second."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, *arguments):
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "examples.approval", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(README.parents[2]), "APPROVAL_DAY": "0.2"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments):
        return self.start(*arguments).communicate(timeout=60)


def test_timers_outlive_a_killed_worker(tmp_path):
    program = Program(tmp_path)
    said, _ = program.run("request", "ada", "a", "new", "laptop")
    number = said.partition("[")[2][:6]
    first = program.start("worker")
    assert "Reminder 1 of 2" in first.stdout.readline()
    first.send_signal(signal.SIGKILL)
    rest, trouble = first.communicate(timeout=60)

    second = program.start("worker")
    seen = rest
    while "Nobody decided" not in seen:
        line = second.stdout.readline()
        assert line, second.stderr.read()
        seen += line
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=60)

    # What the first one sent and could not write down any more is sent again: "at least once".
    once = list(dict.fromkeys(line.partition("to ")[2] for line in seen.splitlines()))
    assert [line for line in once if "1 of 2" not in line] == [
        "manager: Reminder 2 of 2: a new laptop waits for you.",
        "director: ada asks for a new laptop, and the manager is silent. Your turn.",
        "director: Reminder 1 of 1: a new laptop waits for you.",
        "ada: Nobody decided on a new laptop. Please ask again.",
    ]
    assert program.run("status") == (f"{number}  ada: a new laptop\n        TIMED_OUT\n", "")
    assert trouble == ""


def test_a_worker_ends_quietly_with_ctrl_c(tmp_path):
    program = Program(tmp_path)
    program.run("request", "ada", "tea")
    worker = program.start("worker")
    assert "Reminder" in worker.stdout.readline()
    worker.send_signal(signal.SIGINT)
    _, trouble = worker.communicate(timeout=60)
    assert (worker.returncode, trouble) == (0, "")


def test_a_request_that_is_not_there_is_not_made_by_deciding_on_it(tmp_path):
    program = Program(tmp_path)
    assert program.run("approve", "4f09ab") == ("", "There is no request 4f09ab.\n")
    assert program.run("status") == ("", "")
