"""Stubs that miss the step that they are meant for: the step is not performed in earnest."""

import asyncio
from functools import partial

import pytest

from dialogs import UsageError, call, dialog, gather, run, send_message, uuid4
from dialogs.testing import DialogTester
from tests.tester.tested import charge, shop


class Bank:
    """Has been asked for nothing, if the tests are right."""

    asked = 0

    def charge(self, amount=5):
        self.asked += 1
        return amount

    async def balance(self):
        self.asked += 1
        return 7


@pytest.fixture
def bank():
    bank = Bank()
    yield bank
    assert bank.asked == 0


def refused(step, *stubs):
    """The text of the error with which a step is not performed."""

    @dialog
    def only():
        yield send_message("Wait...")
        try:
            return (yield step)
        except Exception:  # noqa: BLE001 - no author's code hides the mistake of a test
            return "caught"

    tester = DialogTester(only())
    for stub in stubs:
        tester.stub(stub, "stubbed")
    with pytest.raises(UsageError) as caught:
        tester.start()
    assert tester.bytes is None
    assert tester.performed == []
    return str(caught.value)


@pytest.mark.parametrize("name", ["chage", "Charge", "call chrage", "charge_"])
def test_a_typing_error_in_a_stub_performs_nothing(bank, name):
    assert refused(call(bank.charge), name) == (
        "call(charge) would be performed, and the stub of "
        f"{name.removeprefix('call ')!r} has answered nothing. The names are nearly the same. "
        "Write stub('charge', ...), or replace('charge', ...) with it where the real one is meant."
    )


@pytest.mark.parametrize("stub", [charge, Bank.charge, Bank().charge])
def test_a_stub_for_another_function_of_that_name_performs_nothing(bank, stub):
    assert "They share a name" in refused(call(bank.charge), stub)


def test_a_partial_function_is_stubbed_by_its_name(bank):
    step = call(partial(bank.charge, 7))
    assert "They share a name" in refused(step, bank.charge)
    DialogTester(step).stub("charge", 1).start().expect_done(1)


def test_a_function_that_is_handed_to_a_step_is_not_stubbed_by_itself(bank):
    async def in_a_thread():
        return await asyncio.to_thread(bank.charge, 5)

    handed = "charge is handed to it, and a stub stands in for what the dialog yields."
    assert handed in refused(call(asyncio.to_thread, bank.charge, 5), bank.charge)

    @dialog
    async def pays():
        return await call(asyncio.to_thread, func=bank.charge)

    @dialog
    def pays_by_coroutine():
        return (yield asyncio.to_thread(bank.charge, 5))

    for pay in (pays(), pays_by_coroutine()):
        with pytest.raises(UsageError, match=r"handed to it.*Write stub.'to_thread'"):
            DialogTester(pay).stub(bank.charge, 1).start()
        DialogTester(pay).stub("to_thread", 1).start().expect_done(1)


def test_a_coroutine_is_stubbed_by_its_whole_name(bank):
    @dialog
    def looks():
        return (yield bank.balance())

    for stub in (bank.balance, "balance", "Bank.balnce"):
        with pytest.raises(UsageError, match=r"Write stub.'Bank.balance'.*leave that stub out"):
            DialogTester(looks()).stub(stub, 1).start()
    DialogTester(looks()).stub("Bank.balance", 1).start().expect_done(1)


def test_steps_in_gather_and_in_plain_functions_are_looked_at_too(bank):
    @dialog
    def plain():
        return run(call(bank.charge))

    for step in (gather(call(bank.charge), uuid4()), plain()):
        assert "nearly the same" in refused(step, "chage")


async def test_an_async_test_performs_nothing_either(bank):
    for step in (call(bank.charge), call(bank.balance)):
        tester = DialogTester(step).stub("chrage", 1).stub("ballance", 1)
        with pytest.raises(UsageError, match="nearly the same"):
            await tester.astart()


def double(number):
    return 2 * number


def doubles(number):
    return [double(number)] * 2


def test_other_functions_are_performed_while_stubs_wait_for_their_turn():
    @dialog
    def computes():
        yield call(str, "charge")
        return (yield call(double, 1)), (yield call(doubles, 1)), (yield call(charge, 5))

    tester = DialogTester(computes()).stub("doubles", "stub").stub("charge", "paid")
    tester.stub("receipt", 1).start().expect_done((2, "stub", "paid"))


def two_steps(first):
    def step_1():
        return 1

    def step_2():
        return 2

    @dialog
    def takes_both():
        steps = (step_1, step_2) if first == 1 else (step_2, step_1)
        return (yield call(steps[0])), (yield call(steps[1]))

    return takes_both()


def test_a_stub_that_has_answered_is_no_slip():
    DialogTester(two_steps(1)).stub("step_1", "stub").start().expect_done(("stub", 2))
    tester = DialogTester(two_steps(2)).stub("step_1", "stub")
    with pytest.raises(UsageError, match="nearly the same"):
        tester.start()
    tester.replace("step_2", lambda: 2).start().expect_done((2, "stub"))


# --- no real calls ----------------------------------------------------------------------------


def test_a_strict_tester_performs_nothing_that_has_no_stub(bank):
    @dialog
    def pays():
        yield call(double, 1)
        yield call(bank.charge)

    tester = DialogTester(pays(), real_calls=False).replace(double, double)
    with pytest.raises(UsageError) as caught:
        tester.start()
    assert str(caught.value) == (
        "call(charge) has no stub. DialogTester(..., real_calls=False) performs none without. "
        "Write stub('charge', ...), or replace('charge', ...) with a function."
    )
    tester.stub("charge", "paid").start().expect_done(None)


def test_a_strict_tester_performs_no_coroutine_and_tells_of_slips(bank):
    @dialog
    def looks():
        return (yield bank.balance())

    tester = DialogTester(looks(), real_calls=False)
    with pytest.raises(UsageError, match="has no stub"):
        tester.start()
    with pytest.raises(UsageError, match="They share a name"):
        tester.stub("balance", 1).start()


def test_a_strict_tester_has_its_clock_and_dice():
    DialogTester(uuid4(), real_calls=False).start().expect_done()
    DialogTester(shop(), real_calls=False).stub(charge, 1).say("x").expect_done((1, 1))
