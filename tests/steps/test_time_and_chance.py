"""now, randint, choice and uuid4: performed once and recorded."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dialogs import (
    InMemoryPersistence,
    choice,
    dialog,
    get_client_response,
    now,
    randint,
    run_gen_dialog,
    uuid4,
)
from tests.steps.answers import answer_of


def test_now_is_recorded_in_utc():
    before = datetime.now(UTC)

    first, replayed = answer_of(now())

    assert before <= first <= datetime.now(UTC)
    assert first == replayed
    assert first.tzinfo is UTC or first.utcoffset() == timedelta(0)


def test_randint_is_within_its_bounds_and_recorded():
    answers = [answer_of(randint(1, 2)) for _ in range(40)]

    assert {first for first, _ in answers} == {1, 2}
    assert all(first == replayed for first, replayed in answers)


def test_choice_is_an_element_and_recorded():
    answers = [answer_of(choice(["a", ("b", 1)])) for _ in range(40)]

    assert {first for first, _ in answers} == {"a", ("b", 1)}
    assert all(first == replayed for first, replayed in answers)


def test_uuid4_is_random_and_recorded():
    (first, replayed), (other, _) = answer_of(uuid4()), answer_of(uuid4())

    assert type(first) is UUID
    assert first.version == 4
    assert first == replayed != other


def test_a_seed_decides_what_chance_gives():
    @dialog
    def throw():
        return (yield randint(0, 10**9)), (yield choice(range(10**9)))

    results = []
    for seed in [7, 7, 8]:
        random.seed(seed)
        results.append(run_gen_dialog(throw(), InMemoryPersistence(), "").return_value)

    assert results[0] == results[1] != results[2]


@pytest.mark.parametrize(("step", "error"), [(randint(2, 1), ValueError), (choice(()), IndexError)])
def test_impossible_chances_fail_as_they_do_in_python(kept, step, error):
    @dialog
    def throw():
        with pytest.raises(error) as first:
            yield step
        yield get_client_response()
        return str(first.value)

    run_gen_dialog(throw(), kept, "")

    assert run_gen_dialog(throw(), kept, "go on").is_done
