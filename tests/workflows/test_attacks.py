"""Attacks on inline code: each is refused when loaded, or contained, and the host is unharmed."""

from __future__ import annotations

import json
import re
import resource
import sys
from pathlib import Path

import pytest

from dialogs.workflows import RefusedCode, SandboxError, StateSteps, sandbox
from dialogs.workflows.inspection import check_function
from dialogs.workflows.workers import workers_of_this_process
from tests.workflows.attacks import ANY_LINE, CONTAINED, REFUSED, Contained, Refused, source_of
from tests.workflows.patience import PATIENT_S, allowed

pytest.importorskip("pydantic_monty")

SECRET = "a-secret-of-the-host"
HARMLESS = "def start(chat_id, user_input, context, sender):\n    return 'next', {'n': 6 * 7}\n"


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("DIALOGS_SECRET", SECRET)


def name_of(attack) -> str:
    return attack.body.removeprefix("whole:")[:40].encode("ascii", "backslashreplace").decode()


def attempt(source: str) -> tuple[str, object]:
    """Run code without inspecting it: "returns" or the type of the sandbox's error, and what."""
    try:
        return "returns", sandbox.run_function(source, "start", "c", "hi", {"a": [1]})
    except SandboxError as error:
        return error.type_name, error


def assert_unharmed(came: object) -> None:
    """The host got nothing that it must not get, and the next call works."""
    text = f"{came} {came!r}"
    assert SECRET not in text
    assert "root:" not in text
    assert len(text) < 600_000
    assert sandbox.run_function(HARMLESS, "start", "c", "hi", {}) == (("next", {"n": 42}), [])


def test_there_are_at_least_150_attacks_and_none_twice():
    bodies = [attack.body for attack in [*REFUSED, *CONTAINED]]
    assert len(bodies) >= 150
    assert len(set(bodies)) == len(bodies)


@pytest.mark.parametrize("attack", REFUSED, ids=name_of)
def test_an_attack_that_is_refused_names_its_line_and_reason(attack: Refused):
    with pytest.raises(RefusedCode) as caught:
        check_function(source_of(attack.body))
    assert attack.reason in caught.value.reason
    assert attack.line in (caught.value.line, ANY_LINE)


def test_a_file_is_refused_with_the_state_the_line_and_the_reason_of_every_attack(tmp_path: Path):
    file = tmp_path / "steps.json"
    for attack in REFUSED:
        file.write_text(json.dumps({"fine": HARMLESS, "evil": source_of(attack.body)}))
        steps = StateSteps(initial="fine")
        with pytest.raises(RefusedCode) as caught:
            steps.register_from_json(file)
        error = caught.value
        assert "state 'evil'" in str(error)
        assert f"line {attack.line or error.line}: " in str(error)
        assert error.reason in str(error)
        assert steps.states == []


@pytest.mark.parametrize("attack", CONTAINED, ids=name_of)
def test_an_attack_that_passes_inspection_is_contained(attack: Contained):
    source = source_of(attack.body)
    check_function(source)
    with allowed(PATIENT_S if attack.outcome == "returns" else sandbox.TIME_S):
        outcome, came = attempt(source)
    # On a busy machine the time may run out before anything else does.
    if attack.outcome == "returns":
        assert outcome == "returns", came
    elif attack.outcome:
        assert outcome in (attack.outcome, "TimeoutError"), came
    assert_unharmed(came)


def test_the_second_wall_stands_without_the_first():
    """What the inspection refuses gets nothing either, where it runs all the same."""
    for attack in REFUSED:
        with allowed(sandbox.TIME_S):
            outcome, came = attempt(source_of(attack.body))
        text = f"{came} {came!r}"
        assert SECRET not in text, attack
        assert "root:" not in text, attack
        if outcome == "returns":
            json.dumps(came, default=lambda value: f"bytes {value!r}")  # plain data
    assert_unharmed(None)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_neither_the_host_nor_a_worker_grows_without_bound():
    workers = workers_of_this_process()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for body in (
        "x = []\nfor i in range(30): x = [x, x]\nreturn x",
        "return ['a' * 99] * 10**5",
        "x = 'a'\nwhile True: x += x",
        "return [[0] * 1000 for i in range(10**6)]",
        "raise ValueError('a' * 15_000_000)",
        "x = {}\nfor i in range(10**9): x = {'a': x, 'b': [x] * 100}",
    ):
        with allowed(sandbox.TIME_S):
            outcome, _ = attempt(source_of(body))
        assert outcome in ("TypeError", "MemoryError", "ValueError", "TimeoutError")
        with workers.pool.checkout() as worker:
            status = Path(f"/proc/{worker.worker_pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))
        assert peak < 150_000, body
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


def test_no_attack_touches_a_file(tmp_path: Path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for body in (
        f"open({str(victim)!r}, 'w').write('gone')",
        f"return open({str(victim)!r}).read()",
        f"import os\nos.remove({str(victim)!r})",
        f"import os\nos.rename({str(victim)!r}, {str(tmp_path / 'moved')!r})",
        f"from pathlib import Path\nPath({str(victim)!r}).unlink()",
        f"from pathlib import Path\nPath({str(tmp_path / 'new')!r}).mkdir()",
        f"from pathlib import Path\nreturn Path({str(victim)!r}).read_text()",
        f"import os\nreturn os.listdir({str(tmp_path)!r})",
        "import os\nreturn dict(os.environ)",
        "import os\nreturn os.getenv('DIALOGS_SECRET')",
        "import os\nos.system('touch new')",
    ):
        _, came = attempt(source_of(body))
        assert "untouched" not in f"{came!r}"
        assert SECRET not in f"{came} {came!r}"
    assert victim.read_text() == "untouched"
    assert list(tmp_path.iterdir()) == [victim]
