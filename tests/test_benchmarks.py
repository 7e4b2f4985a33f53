"""The benchmarks' candidates do the work that they are measured by. Nothing here is timed."""

import asyncio
import json
import random
from importlib.metadata import PackageNotFoundError

import pytest

from benchmarks import channels, collapsing, echoes, floor, measure, nesting, size, stores, table
from benchmarks.conversations import after, answer_of, answers, questions_dialog
from benchmarks.measure import QUICK, Candidate, Row, Target, check_same_work
from dialogs.log import Log
from tests.channels.slack.fake_slack import signed
from tests.servers.base import missing


def outcome(candidate):
    conversation = candidate.fresh()
    random.seed(1)
    return candidate.done(candidate.run(conversation))


def drawn(seed, count):
    random.seed(seed)
    return [random.random() for _ in range(count)]


@pytest.mark.parametrize("name", ["dialogs", "floor"])
def test_one_message_says_the_next_question_and_keeps_all_answers(name):
    before, [new] = drawn(0, 4), drawn(1, 1)

    said, kept = outcome(floor.candidates(4)[name])

    assert said == ["Question 5?"]
    turns = zip(map(answer_of, range(5)), [*before, new], strict=True)
    assert kept == [None, *(part for turn in turns for part in (*turn, None))]


ROWS = pytest.mark.parametrize(
    ("room", "length"),
    [(floor, 3), (nesting, 40), (collapsing, 2)],
    ids=["floor", "nesting", "collapsing"],
)


@ROWS
def test_the_candidates_of_a_row_do_the_same_work(room, length):
    rivals = room.candidates(length)

    assert len(rivals) > 1
    check_same_work(rivals)


@ROWS
def test_a_candidate_can_be_run_again_and_does_the_same(room, length):
    for candidate in room.candidates(length).values():
        assert outcome(candidate) == outcome(candidate)


def test_a_candidate_that_does_other_work_is_found():
    rivals = floor.candidates(3)
    lazy = Candidate(run=lambda _: [], fresh=lambda: None, done=lambda said: (said, []))

    with pytest.raises(AssertionError, match="'lazy' did other work than 'dialogs'"):
        check_same_work({**rivals, "lazy": lazy})


def test_a_nested_conversation_is_twenty_dialogs_deep():
    for name, first, last in (("spread", 6, 7), ("last", 0, 121)):
        log = Log.decode(nesting.candidates(40)[name].fresh().load())

        assert len(log.frames) == nesting.DEPTH
        assert [len(frame.codes) for frame in log.frames] == [first] * 19 + [last]


def test_a_finished_subdialog_is_one_record_of_the_loop():
    frames = Log.decode(collapsing.candidates(5)["collapsed"].fresh().load()).frames

    assert [len(frame.codes) for frame in frames] == [5, 1]


def test_a_loop_in_one_log_keeps_every_record():
    [frame] = Log.decode(collapsing.candidates(5)["inline"].fresh().load()).frames

    assert len(frame.codes) == 5 * collapsing.TURNS * 3 + 1


def test_a_loop_that_continues_as_new_keeps_one_round():
    [frame] = Log.decode(collapsing.candidates(5)["renewed"].fresh().load()).frames

    assert len(frame.codes) == 1


def test_a_conversation_of_some_turns_has_their_answers():
    assert answers(after(2, questions_dialog))[1::3] == ["answer 0", "answer 1"]


def test_a_turn_of_the_benchmark_dialog_adds_at_most_twenty_six_bytes():
    [row] = size.rows(measure.Effort((100,), 0, 0, (1, 1)))

    assert row.target.met(row.value)


def test_a_row_is_measured_in_as_many_rounds_as_its_effort_allows():
    rivals = {name: Candidate(run=len, fresh=str) for name in "ab"}

    times = measure.rounds_of(rivals, QUICK)

    assert {name: len(values) for name, values in times.items()} == {"a": 3, "b": 3}


def test_a_ratio_is_the_median_of_the_rounds():
    times = {"a": [2.0, 9.0, 40.0], "b": [1.0, 3.0, 10.0]}

    row = Row("a / b", 1, **measure.ratios(times, "a", "b"))

    assert row.values == [2.0, 3.0, 4.0]
    assert row.value == 3.0
    assert row.times == (9.0, 3.0)


def test_a_target_is_a_least_or_a_most():
    assert Target(1.4).met(1.4)
    assert not Target(1.4).met(1.41)
    assert Target(8, at_least=True).met(8.0)
    assert not Target(8, at_least=True).met(7.9)
    assert [str(Target(1.4)), str(Target(8, at_least=True))] == ["<= 1.4", ">= 8"]


ECHOES = pytest.mark.parametrize(
    "make",
    [
        lambda: echoes.DialogsSlack(3),
        echoes.BareSlack,
        lambda: echoes.DialogsWeb(3),
        echoes.BareWeb,
    ],
    ids=["slack", "bare-slack", "web", "bare-web"],
)


@ECHOES
async def test_an_echo_tells_each_person_what_they_wrote_and_again_when_it_is_measured_again(make):
    echo, people = make(), [["one", "two"], ["three", "four"], ["five", "six"]]
    await echo.open()
    try:
        for _ in range(2):
            await echo.fresh(people)
            assert await echo.run() == people
    finally:
        await echo.close()


@pytest.mark.parametrize("turns", [0, 3])
async def test_a_conversation_with_a_dialog_goes_on_from_its_turns(turns):
    echo = echoes.DialogsSlack(turns)
    await echo.open()
    try:
        await echo.fresh([["said next"]])
        [chat_id] = echo.chat_ids
        before = (await echo.store.load(chat_id, now=0)).body
        await echo.run()
        after = (await echo.store.load(chat_id, now=0)).body
    finally:
        await echo.close()

    texts = [answer_of(turn).encode() for turn in range(5)]
    assert [text in before for text in (*texts, b"said next")] == [
        *(at < turns for at in range(5)),
        False,
    ]
    assert [text in after for text in (*texts, b"said next")] == [
        *(at < turns for at in range(5)),
        True,
    ]


@pytest.mark.parametrize("make", [lambda: echoes.DialogsSlack(3), echoes.BareSlack])
async def test_both_slack_apps_check_signatures(make):
    echo = make()
    await echo.open()
    try:
        await echo.fresh([["one"]])
        event = json.dumps(echo.events[0][0])
        headers = {"Content-Type": "application/json", **signed(event, secret="another's")}
        status, _ = await echo.platform.post(event, headers)
    finally:
        await echo.close()

    assert status == 401


def test_a_crowd_that_is_told_something_else_is_found():
    class Deaf(echoes.Echo):
        async def open(self): ...
        async def gather(self, people): ...

        def talks(self):
            return [asyncio.sleep(0, ["what?"])]

    with channels.opened(Deaf()) as [loop], pytest.raises(AssertionError):
        channels.crowd(Deaf(), loop).sample(20)


def names_of(printed):
    return [line[: table.WIDTHS[0]].strip() for line in printed.splitlines()[3:]]


def test_the_table_has_all_rows_of_the_engine_that_need_no_peer(capsys):
    assert table.main(["--quick", "--no-peer", "--only", "engine"]) == 0

    assert names_of(capsys.readouterr().out) == [
        "one message / the same dialog fed its answers",
        "20 deep, turns in each / flat",
        "20 deep, turns in the last / flat",
        "a loop, all in one log / collapsed subdialogs",
        "a loop, continue_as_new / the same after 3 turns",
        "bytes a turn adds to the log",
    ]


def test_the_table_has_the_row_of_the_workflows(capsys):
    assert table.main(["--quick", "--only", "workflows"]) == 0

    assert names_of(capsys.readouterr().out) == ["a workflow of 6 steps / the same in Python"]


def test_the_table_has_the_rows_of_the_channels(capsys):
    assert table.main(["--quick", "--only", "channels"]) == 0

    assert names_of(capsys.readouterr().out) == [
        "a Slack event acknowledged / bare slack_bolt",
        "20 Slack events answered / bare slack_bolt",
        "20 WebSocket messages answered / bare FastAPI",
    ]


def test_a_store_whose_server_is_not_here_is_left_out_with_a_note(capsys, monkeypatch):
    for server in ("RedisServer", "PostgresServer"):
        monkeypatch.setattr(stores, server, lambda *_, server=server, **__: missing(server))

    assert table.main(["--quick", "--only", "stores"]) == 0

    sqlite, *notes = capsys.readouterr().out.splitlines()[3:]
    assert sqlite.startswith("a turn over SQLite / bare read and compare-and-set")
    assert [note.rpartition(": ")[2] for note in notes] == [
        "the rows over Redis are not measured.",
        "the rows over PostgreSQL are not measured.",
    ]


def test_groups_whose_libraries_are_not_here_are_left_out_with_a_note(capsys, monkeypatch):
    def absent(name):
        raise ModuleNotFoundError("No module named 'redis'")

    monkeypatch.setattr(table, "import_module", absent)

    assert list(table.rows_of("stores", QUICK)) == []
    note = "The rows of stores are not measured: No module named 'redis'. Use `make bench`.\n"
    assert capsys.readouterr().out == note


def test_the_groups_come_in_the_order_of_the_table(monkeypatch):
    monkeypatch.setattr(table, "rows_of", lambda group, effort: [group])

    assert list(table.measured(QUICK, only=["channels", "stores"], peer=False)) == [
        "stores",
        "channels",
    ]


def test_a_group_that_there_is_not_is_refused_with_those_that_there_are(capsys):
    with pytest.raises(SystemExit):
        table.main(["--only", "stores, chanels"])

    message = "there are no rows 'chanels', only: engine, workflows, stores, channels"
    assert message in capsys.readouterr().err


def test_a_missed_target_is_printed_and_is_no_failure(capsys, monkeypatch):
    missed = Row("slow / fast", 100, [1.9, 2.0, 2.2], Target(1.4), times=(2.5e6, 1250.0))
    monkeypatch.setattr(table, "measured", lambda *_, **__: [missed])

    assert table.main([]) == 0

    row = capsys.readouterr().out.splitlines()[-1]
    assert " ".join(row.split()) == "slow / fast 100 2.00 x 1.90 - 2.20 <= 1.4 no 2.50 ms / 1 us"


def test_without_the_peer_its_rows_are_left_out_with_a_note(capsys, monkeypatch):
    def version(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(table, "version", version)

    assert list(table.peer_rows(QUICK)) == []
    assert capsys.readouterr().out.strip() == table.NO_PEER
