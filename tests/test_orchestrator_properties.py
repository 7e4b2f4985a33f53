"""Whatever happens to a conversation: nothing is lost, nothing counts twice, all is said in order.

A machine lets events happen to one conversation: messages, repetitions, replies to old prompts,
signals, time, interrupts, cancels, broken code. Workers are killed, cancelled, or cut off from
their store and their clients, before or after any call. A model says what must come of it.
"""

import asyncio
import copy
from contextlib import suppress

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dialogs import (
    Conflict,
    Conversation,
    Interrupt,
    LogError,
    Orchestrator,
    ResponseTimeout,
    StoreUnavailable,
    Turn,
    call,
    dialog,
    get_client_response,
    send_message,
    sleep,
    wait_for_signal,
)
from dialogs.stores import MemoryStore
from dialogs.testing import FakeClock, values
from tests.golden.orchestrated import FOLDER

CHAT, LEASE = "c", 30

# --- the dialogs ------------------------------------------------------------------------------

PLAIN = [("say", "Hello."), ("ask", None, True)]
"""The program of a conversation that was begun with anything else than a program."""


class World:
    """What the dialogs reach outside."""

    def __init__(self):
        self.broken = False
        self.performed = set()


def root_in(world):
    @dialog
    def perform(opening):
        program = opening if isinstance(opening, list) else PLAIN
        heard = []
        for at, (kind, *rest) in enumerate(program):
            if world.broken:
                raise ValueError("broken")
            match kind:
                case "say":
                    yield send_message(rest[0])
                case "effect":
                    yield call(world.performed.add, (rest[0], at))
                case "sleep":
                    yield sleep(rest[0])
                    heard.append("time")
                case _:
                    wait = get_client_response(rest[0]) if kind == "ask" else None
                    wait = wait or wait_for_signal(kind, rest[0])
                    try:
                        heard.append((yield wait))
                    except ResponseTimeout:
                        if not rest[1]:
                            raise
                        heard.append("time")
        yield send_message(["heard", *heard])
        return heard

    return perform


@dialog
def helping():
    yield send_message("Help.")


@dialog
def more():
    yield send_message("What?")
    yield send_message(f"More of {(yield get_client_response())}.")


INTERRUPTS = [
    Interrupt("/help", helping),
    Interrupt("/more", more),
    Interrupt("/cancel", cancel=True),
]

# --- the model --------------------------------------------------------------------------------


class TIME:
    """The answer that the time of a wait has passed; a class, since copies of it are itself."""


class Broken(Exception):
    """The code raises."""


class Model:
    """One conversation, told without bytes, leases and workers."""

    def __init__(self):
        self.ended, self.program, self.answers, self.result = None, None, [], None
        self.wait, self.prompt, self.aside = None, [], False
        self.inbox, self.signals, self.said, self.effects = [], [], [], set()
        self.failures, self.waited, self.retry_at, self.changed = 0, 0, 0.0, False

    def happen(self, event, now, broken=False):
        """Let an event happen: what is said, and whether it is stale."""
        before = copy.deepcopy(vars(self))
        self.now, self.broken, self.changed = now, broken, False
        kind, *rest = event
        try:
            stale = getattr(self, f"on_{kind}")(*rest)
            self.give_kept()
        except Broken:
            vars(self).update(before)
            self.failures += 1
            if self.is_past(now):
                self.waited = min(max(2 * self.waited, 5), 3600)
                self.retry_at = now + self.waited
            raise
        if self.changed:
            self.failures, self.waited, self.retry_at = 0, 0, 0.0
        return self.said[len(before["said"]) :], bool(stale)

    @property
    def status(self):
        if self.failures:
            return "ERROR"
        if not self.wait:
            return self.ended or "INITIATED"
        return "WAITING_FOR_RESPONSE" if self.asking else "PROCESSING"

    @property
    def asking(self):
        return self.aside or (self.wait is not None and self.wait[0] == "ask")

    # --- events

    def on_say(self, word, reply=None):
        interrupt = isinstance(word, str) and word.startswith("/")
        if not interrupt:
            self.expire()
            self.give_kept()
        if reply == "old":
            return True
        self.changed = True
        if interrupt:
            self.digress(word)
        elif self.asking:
            self.advance(word)
        elif self.wait:
            self.inbox.append(word)
        else:
            self.begin(word)
        return False

    def on_signal(self, name, payload):
        self.expire()
        if self.ended is not None and not self.aside:
            return True
        self.changed = True
        self.signals.append((name, payload))
        return False

    def on_tell(self, word):
        self.said.append(word)

    def on_wake(self):
        if self.now >= self.retry_at:
            self.expire()

    def on_start(self):
        if not self.wait:
            self.begin(None)

    def on_cancel(self):
        if self.wait:
            self.end("CANCELLED")
        elif self.aside:
            self.changed, self.aside = True, False

    # --- what comes of them

    def expire(self):
        if self.is_past(self.now):
            self.advance_main(TIME)

    def is_past(self, now):
        return bool(self.wait) and self.wait[1] is not None and self.wait[1] <= now

    def give_kept(self):
        while True:
            if self.inbox and not self.aside and (self.asking or not self.wait):
                word = self.inbox.pop(0)
                self.advance(word) if self.asking else self.begin(word)
                continue
            name = self.wait[0] if self.wait else None
            at = next((n for n, (known, _) in enumerate(self.signals) if known == name), None)
            if at is None:
                return
            self.advance_main(self.signals.pop(at)[1])

    def digress(self, word):
        self.aside = False
        if word == "/cancel":
            self.close(cancel=True)
        elif word == "/help":
            self.said.append("Help.")
            self.close()
        else:
            self.said.append("What?")
            self.aside = True

    def close(self, *, cancel=False):
        self.aside = False
        if cancel and self.wait:
            self.end("CANCELLED")
        elif self.wait and self.wait[0] == "ask":
            self.said += self.prompt

    def advance(self, word):
        if self.aside:
            self.said.append(f"More of {word}.")
            self.close()
        else:
            self.advance_main(word)

    def begin(self, opening):
        self.program = opening if isinstance(opening, list) else PLAIN
        self.answers, self.ended, self.result = [], None, None
        self.play()

    def advance_main(self, answer):
        self.answers.append(answer)
        self.play()

    def end(self, how, result=None):
        self.changed = True
        self.ended, self.result, self.wait, self.aside, self.signals = how, result, None, False, []
        if how == "CANCELLED":
            self.inbox = []

    def play(self):
        """Run the program anew, through all answers, to its next wait or its end."""
        if self.broken:
            raise Broken
        self.changed, self.aside, self.prompt = True, False, []
        heard, answers = [], list(self.answers)
        for at, (kind, *rest) in enumerate(self.program):
            if kind == "say":
                self.prompt += [] if answers else [rest[0]]
            elif kind == "effect":
                self.effects.add((rest[0], at))
            elif answers:
                answer = answers.pop(0)
                if answer is TIME and kind != "sleep" and not rest[1]:
                    return self.end("TIMED_OUT")
                heard.append("time" if answer is TIME else answer)
            else:
                self.said += self.prompt
                deadline = None if rest[0] is None else self.now + rest[0]
                self.wait = (kind, deadline)
                return None
        self.said += [*self.prompt, ["heard", *heard]]
        return self.end("COMPLETED", heard)


# --- workers that fail ------------------------------------------------------------------------


class Fault:
    """What goes wrong, at which of a worker's calls, before or after it took effect."""

    def __init__(self, kind="", calls=0, when="before"):
        self.kind, self.calls, self.when = kind, calls, when
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, when, error):
        if not self.kind or when != self.when:
            return
        self.calls -= 1
        if self.calls < 0 and not self.reached.is_set():
            self.reached.set()
            if self.kind == "fail":
                raise error
            await self.go_on.wait()
        elif self.calls < 0 and self.kind in ("kill", "stall"):
            await self.go_on.wait()  # nothing else of this process goes on either


class Line:
    """A worker's way to the store."""

    def __init__(self, store):
        self.store, self.fault = store, Fault()

    def __getattr__(self, operation):
        async def called(*args, **options):
            error = StoreUnavailable("the store", operation, "it is away")
            await self.fault("before", error)
            answer = await getattr(self.store, operation)(*args, **options)
            try:
                await self.fault("after", error)
            except asyncio.CancelledError:
                if operation == "claim":  # as every store does: nobody has this claim
                    await self.store.release(answer)
                raise
            return answer

        return called


class Mail:
    """A worker's way to the clients."""

    def __init__(self, line, sent):
        self.line, self.sent = line, sent

    async def send_message(self, chat_id, message, *, delivery_id):
        await self.line.fault("before", ConnectionError("away"))
        self.sent.append((delivery_id, message))
        await self.line.fault("after", ConnectionError("away"))


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


# --- bytes ------------------------------------------------------------------------------------

BODIES = [file.read_bytes() for file in sorted(FOLDER.glob("conversations-format-*/*.bin"))]


@given(st.sampled_from(BODIES), st.data())
def test_a_flipped_bit_is_refused(body, data):
    at = data.draw(st.integers(0, len(body) - 1))
    bit = data.draw(st.integers(0, 7))
    damaged = body[:at] + bytes([body[at] ^ 1 << bit]) + body[at + 1 :]
    with pytest.raises(LogError):
        Conversation.decode(damaged)


@pytest.mark.parametrize("body", [min(BODIES, key=len), max(BODIES, key=len)])
def test_every_byte_is_looked_at(body):
    for at in range(len(body)):
        with pytest.raises(LogError):
            Conversation.decode(body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :])


@given(st.sampled_from(BODIES), st.data())
def test_a_conversation_cut_short_or_made_longer_is_refused(body, data):
    cut = data.draw(st.integers(0, len(body) - 1))
    for damaged in (body[:cut], body + data.draw(st.binary(min_size=1))):
        with pytest.raises(LogError):
            Conversation.decode(damaged)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data):
    for body in (data, b"DLC" + data, b"DLC\x01" + data):
        with pytest.raises(LogError):
            Conversation.decode(body)


@given(st.lists(values(), max_size=3), values(), values())
def test_whatever_the_log_can_keep_a_conversation_can_keep(messages, opening, payload):
    conversation = Conversation.new(1.0).replace(
        opening=opening,
        result=payload,
        inbox=messages,
        outbox=[[n, message] for n, message in enumerate(messages)],
        signals=[["paid", payload]],
    )
    body = conversation.encode()
    assert Conversation.decode(body).encode() == body
