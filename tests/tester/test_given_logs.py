"""Logs that other code has written: a look at one replays it, and performs nothing."""

import pytest

from dialogs import (
    ReplayError,
    ResponseTimeout,
    call,
    dialog,
    get_client_response,
    run,
    send_message,
    sleep,
    wait_for_signal,
)
from dialogs.testing import DialogTester
from tests.tester.tested import failure


def never():
    raise AssertionError("a look performs nothing")


def order(question="Size?", *, version="1.0", before=None, wait=None):
    """A dialog that asks, performs `before` before that, and then would perform `never`."""

    @dialog(name="order", version=version)
    def order():
        if before is not None:
            yield call(before)
        yield send_message(question)
        answer = yield wait or get_client_response()
        yield call(never)
        return answer

    return order()


LOG = DialogTester(order()).start().bytes


def test_a_log_that_fits_waits_and_nothing_is_performed():
    tester = DialogTester(order(), log=LOG).expect_waiting().expect_nothing()
    assert (tester.bytes, tester.performed, tester.transcript) == (LOG, [], "")
    text = failure(lambda: tester.expect_waiting("sleep"))
    assert "it waits in get_client_response" in text


@pytest.mark.parametrize(
    "changed", [order("Size, please?"), order(before=never), order(wait=sleep(5))]
)
def test_code_that_does_not_fit_a_log_is_refused_at_the_first_look(changed):
    for tester in (
        DialogTester(changed, log=LOG),
        DialogTester(order()).start().upgrade(changed),
    ):
        for _ in range(2):
            with pytest.raises(ReplayError):
                tester.expect_waiting()
        assert (tester.bytes, tester.performed) == (LOG, [])
        tester.upgrade(order()).expect_waiting()


@pytest.mark.parametrize("look", ["expect_waiting", "time_out", "wake"])
def test_code_of_another_version_would_start_anew(look):
    tester = DialogTester(order(version="2.0", before=never), log=LOG)
    text = failure(getattr(tester, look))
    assert "but       its code has changed: it starts anew, or its fallback runs" in text
    assert (tester.bytes, tester.performed) == (LOG, [])
    tester.upgrade(order("New!", version="2.0")).say("S").expect("New!").expect_waiting()


def test_changed_code_that_has_a_fallback_is_no_error():
    tester = DialogTester(order(before=never), fallback=send_message("Sorry."), log=LOG)
    assert "its fallback runs" in failure(tester.expect_waiting)


def test_a_log_may_wait_in_its_fallback():
    @dialog
    def sorry(words):
        yield send_message(words)
        return (yield get_client_response())

    tester = DialogTester(order()).start().upgrade(order("Big?"), fallback=sorry("Sorry."))
    kept = tester.say("S").expect("Sorry.").expect_waiting().bytes
    DialogTester(order("Big?"), fallback=sorry("Sorry."), log=kept).expect_waiting()
    assert "starts anew" in failure(DialogTester(order("Big?"), log=kept).expect_waiting)
    tester = DialogTester(order("Big?"), fallback=sorry("So sorry."), log=kept)
    assert "starts anew" in failure(tester.expect_waiting)


def test_time_passes_in_a_log_that_fits():
    kept = DialogTester(order(wait=sleep(60))).start().bytes
    tester = DialogTester(order(wait=sleep(60)), log=kept).stub("never", 1)
    before = tester.clock()
    tester.wake().expect_done(None)
    assert (tester.clock() - before).total_seconds() == 60
    wait = get_client_response(60)
    tester = DialogTester(order(wait=wait), log=DialogTester(order(wait=wait)).start().bytes)
    with pytest.raises(ResponseTimeout):
        tester.time_out()


def test_a_log_that_is_done_is_done():
    kept = DialogTester(order()).stub("never", 1).say("S").bytes
    tester = DialogTester(order("Other?"), log=kept).expect_done("S")
    assert "it is done" in failure(tester.expect_waiting)


def test_what_has_not_started_waits_for_nothing():
    tester = DialogTester(order()).upgrade(order("Other?"))
    assert "it has not started" in failure(tester.expect_waiting)


async def test_a_look_may_be_taken_in_an_async_test_and_in_every_style():
    @dialog
    async def in_a_coroutine():
        await send_message("Paid?")
        await wait_for_signal("paid")

    @dialog
    def in_a_function():
        run(send_message("Paid?"))
        run(wait_for_signal("paid"))

    for style in (in_a_coroutine(), in_a_function()):
        for mode in ("both", "async", "sync"):
            if mode == "sync":
                kept = DialogTester(style, run="sync").start().bytes
            else:
                kept = (await DialogTester(style, run=mode).astart()).bytes
            DialogTester(style, log=kept, run=mode).expect_waiting("wait_for_signal paid")
