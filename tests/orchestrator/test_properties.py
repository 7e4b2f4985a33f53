"""Whatever happens to a conversation: nothing is lost, nothing counts twice, all is said in order.

A machine lets events happen to one conversation: messages, repetitions, replies to old prompts,
signals, time, interrupts, cancels, broken code. Workers are killed, cancelled, or cut off from
their store and their clients, before or after any call. A model says what must come of it.
"""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dialogs import Conflict, Conversation, Orchestrator, StoreUnavailable, Turn
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock
from tests.orchestrator.model import CHAT, INTERRUPTS, LEASE, Broken, Model, World, root_in
from tests.orchestrator.unsteady import Fault, Line, Mail

FAULTS = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from(["kill", "stall", "fail", "cancel"]),
        st.integers(0, 5),
        st.sampled_from(["before", "after"]),
    ),
)
WORDS = st.sampled_from(["a", "b", "/help", "/more", "/cancel", "/help"])
SPANS = st.sampled_from([None, 10, 40])
OPS = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(["x", "y"])),
    st.tuples(st.just("ask"), SPANS, st.booleans()),
    st.tuples(st.just("ask"), st.none(), st.just(True)),
    st.tuples(st.sampled_from(["p", "q"]), SPANS, st.booleans()),
    st.tuples(st.just("sleep"), st.sampled_from([5, 50])),
    st.tuples(st.just("effect"), st.integers(0, 10**6)),
)
PROGRAMS = st.lists(OPS, min_size=1, max_size=6)


class Conversations(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock, self.store, self.world, self.model = (
            FakeClock(),
            MemoryStore(),
            World(),
            Model(),
        )
        self.stalled = []
        self.sent, self.tasks, self.faults, self.answers, self.number = [], [], [], {}, 0

    @initialize()
    def deploy(self):
        """A new worker, as after a deployment or a crash."""
        self.line = Line(self.store)
        self.bot = Orchestrator(
            root_in(self.world),
            store=self.line,
            patience=1,  # nobody gives a lease back later than that
            sender=Mail(self.line, self.sent),
            clock=self.clock,
            lease=LEASE,
            interrupts=INTERRUPTS,
        )

    def teardown(self):
        try:
            if self.model.said:
                self.all_is_said_in_the_end()
        finally:
            self.runner.run(self.wind_up())
            self.runner.close()

    def all_is_said_in_the_end(self):
        self.world.broken = False
        for _ in range(4):
            self.clock.advance(3600)
            self.let_happen(("wake",), self.bot_fires)
        assert self.stored().outbox == []
        assert self.received() == self.model.said
        assert self.world.performed >= self.model.effects

    async def wind_up(self):
        """Let those go on that were killed: nobody looks at the store any more."""
        for fault in self.faults:
            fault.kind = ""
            fault.go_on.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    # --- what there is to see

    def now(self):
        return self.clock().timestamp()

    def row(self):
        return self.runner.run(self.store.load(CHAT, now=self.now()))

    def stored(self):
        row = self.row()
        return None if row is None else Conversation.decode(row.body)

    def revision(self):
        row = self.row()
        return 0 if row is None else row.revision

    def received(self):
        """What a client has that drops the delivery ids which it knows."""
        first = {}
        for delivery_id, message in self.sent:
            assert first.setdefault(delivery_id, message) == message
        return list(first.values())

    # --- letting things happen

    def let_happen(self, event, ask, fault=None, message_id=None):
        """Let an event happen, in spite of a fault, and compare what comes of it."""
        before, then = self.revision(), self.now()
        if fault is not None and fault[0] == "stall" and message_id is None:
            fault = ("kill", *fault[1:])  # without an id it would happen once more
        if fault is not None and not self.world.broken:
            answer = self.runner.run(self.faulty(ask, Fault(*fault)))
            happened = self.revision() > before
            if event == ("wake",) and not answer:
                answer = None  # what could not be fired is fired by the next pass
            if answer is None:  # it is asked again
                if happened:
                    expected, _ = self.model.happen(event, then)
                    again = self.runner.run(ask())
                    if message_id is not None:
                        assert (again.duplicate, again.messages) == (True, expected)
                        self.answers[message_id] = (expected, ask)
                    elif event == ("wake",):
                        self.model.happen(event, self.now())
                    return
                then = self.now()
        else:
            answer = None
        try:
            expected, stale = self.model.happen(event, then, self.world.broken)
        except Broken:
            self.let_fail(event, ask)
            return
        turn = self.runner.run(ask()) if answer is None else answer
        if event == ("wake",):
            assert [m for t in turn for m in t.messages] == expected or answer is not None
            return
        assert (turn.messages, turn.stale, turn.duplicate) == (expected, stale, False)
        if message_id is not None and not stale:
            self.answers[message_id] = (expected, ask)

    def let_fail(self, event, ask):
        if event == ("wake",):
            assert self.runner.run(ask()) == []
            return
        with pytest.raises(Exception, match="broken"):
            self.runner.run(ask())

    async def faulty(self, ask, fault):
        """Ask with a fault; the answer, or None where it has to be asked again."""
        self.line.fault = fault
        self.faults.append(fault)
        task, reached = asyncio.ensure_future(ask()), asyncio.ensure_future(fault.reached.wait())
        await asyncio.wait([task, reached], return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        self.tasks.append(task)
        answer = None
        if fault.kind in ("kill", "stall") and not task.done():
            if fault.kind == "stall":
                self.stalled.append((fault, task))
            self.deploy()
            self.clock.advance(LEASE)
            return None
        if fault.kind == "cancel" and not task.done():
            task.cancel()
            # Where it stopped in the background, that goes on now.
            fault.go_on.set()
        with suppress(StoreUnavailable, asyncio.CancelledError):
            answer = await task
        fault.go_on.set()
        await self.bot._leases.settle()
        self.line.fault = Fault()
        if fault.kind != "cancel" and fault.reached.is_set():
            self.clock.advance(LEASE)  # a lease may be left
        return answer

    def new_id(self):
        self.number += 1
        return f"m{self.number}"

    # --- rules

    @rule(word=WORDS | PROGRAMS, fault=FAULTS, named=st.booleans())
    def say(self, word, fault, named):
        message_id, conversation = self.new_id(), self.stored()
        reply = None
        if named and conversation is not None and self.model.asking:
            wait = self.model.wait
            if wait is None or wait[1] is None:
                reply = conversation.prompt
        self.let_happen(
            ("say", word),
            lambda: self.bot.handle_message(
                CHAT, word, message_id=message_id, in_reply_to=reply if fault is None else None
            ),
            fault,
            message_id,
        )

    @rule(program=PROGRAMS, fault=FAULTS)
    @precondition(lambda self: self.model.wait is None and not self.model.aside)
    def open(self, program, fault):
        self.say(program, fault, named=False)

    @rule(word=WORDS)
    def reply_to_an_old_prompt(self, word):
        self.let_happen(
            ("say", word, "old"), lambda: self.bot.handle_message(CHAT, word, in_reply_to="0")
        )

    @rule(data=st.data())
    @precondition(lambda self: self.answers)
    def repeat(self, data):
        message_id = data.draw(st.sampled_from(list(self.answers)[-20:]))
        expected, ask = self.answers[message_id]
        turn = self.runner.run(ask())
        assert (turn.duplicate, turn.messages) == (True, expected)

    @rule(name=st.sampled_from(["p", "q"]), payload=st.integers(0, 9), fault=FAULTS)
    def signal(self, name, payload, fault):
        message_id = self.new_id()
        event = ("signal", name, payload)
        stale = self.model.ended is not None and not self.model.aside
        self.let_happen(
            event,
            lambda: self.bot.signal(CHAT, name, payload, message_id=message_id),
            None if stale or (self.model.wait and self.model.wait[1]) else fault,
            message_id,
        )

    @rule(word=st.sampled_from(["news", "gift"]), fault=FAULTS)
    def tell(self, word, fault):
        message_id = self.new_id()
        self.let_happen(
            ("tell", word),
            lambda: self.bot.say(CHAT, word, message_id=message_id),
            fault,
            message_id,
        )

    @rule(seconds=st.sampled_from([1, 10, 60, 4000]), fault=FAULTS)
    def time_passes(self, seconds, fault):
        self.clock.advance(seconds)
        self.let_happen(("wake",), self.bot_fires, fault)

    async def bot_fires(self):
        return await self.bot.fire_due()

    @rule(seconds=st.sampled_from([1, 10, 60]))
    def time_passes_unnoticed(self, seconds):
        self.clock.advance(seconds)

    @rule()
    def start(self):
        self.let_happen(("start",), lambda: self.bot.start(CHAT))

    @rule(fault=FAULTS)
    def cancel(self, fault):
        self.let_happen(("cancel",), lambda: self.bot.cancel(CHAT), fault)

    @rule()
    def break_or_repair(self):
        self.world.broken = not self.world.broken

    @rule()
    @precondition(lambda self: self.stalled and not self.world.broken)
    def the_stalled_go_on(self):
        """Workers that stood still for longer than their leases find that others went on."""
        for fault, _ in self.stalled:
            fault.go_on.set()
        self.runner.run(self.finished([task for _, task in self.stalled]))
        self.stalled.clear()

    async def finished(self, tasks):
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, Turn | Conflict), outcome

    @rule()
    def redeploy(self):
        self.deploy()

    # --- what always holds

    @invariant()
    def nothing_is_said_too_much_or_in_another_order(self):
        received = self.received()
        assert received == self.model.said[: len(received)]

    @invariant()
    def the_conversation_stands_where_the_model_does(self):
        conversation = self.stored()
        if conversation is None:
            assert self.model.status == "INITIATED"
            return
        assert conversation.status == self.model.status == self.row().status
        assert conversation.result == self.model.result
        assert conversation.inbox == self.model.inbox
        assert conversation.signals == [list(signal) for signal in self.model.signals]
        unsent = [message for _, message in conversation.outbox]
        assert self.model.said[len(self.model.said) - len(unsent) :] == unsent
        deadline = self.model.wait[1] if self.model.wait else None
        if deadline is not None:
            assert conversation.deadline == max(deadline, self.model.retry_at)

    @invariant()
    def its_bytes_say_all_of_it(self):
        row = self.row()
        if row is not None:
            assert Conversation.decode(row.body).encode() == row.body


def test_nothing_is_lost_and_nothing_counts_twice():
    run_state_machine_as_test(
        Conversations,
        settings=settings(
            max_examples=settings.default.max_examples // 2, stateful_step_count=20, deadline=None
        ),
    )
