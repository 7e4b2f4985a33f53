"""A state machine that does the same with several stores, and wants the same of all of them.

    stores = {"memory": [MemoryStore()], "sqlite": [one, another_on_the_same_file]}
    agree(lambda: stores, runner)

Each store is given as one object, or as several on the same data, of which any may be asked.
What the contract leaves open is not asked: the order of what is due at the same time, what becomes
of a claim whose lease and conversation have both run out, whether `delete` finds what expired, and
whether the claim from before a commit that held can still release.
"""

import asyncio
import time
from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    multiple,
    rule,
    run_state_machine_as_test,
)

from dialogs.errors import Busy, Conflict

CHAT_IDS = ["a", "A", "{b}:c", ""]

# Expiry lies far enough ahead that stores which forget by the real clock do not do so in the test,
# and a whole run is shorter than the day after which a lost claim is forgotten.
SPANS_S = [0.25, 1, 10, 30, 60, 900]
EXPIRIES_S = [None, None, 900, 960, 1_800]


@dataclass
class Known:
    """What the machine knows of a conversation, to ask nothing that the contract leaves open."""

    leased_until: float = 0.0
    expires_at: float | None = None

    def is_expired(self, now):
        return self.expires_at is not None and self.expires_at <= now

    def is_open(self, now):
        return self.is_expired(now) and self.leased_until <= now


class Agreement(RuleBasedStateMachine):
    """One run: the stores are empty, and time goes on as the machine says."""

    claims = Bundle("claims")
    chat_ids = st.sampled_from(CHAT_IDS)
    objects = st.integers(0, 5)

    def __init__(self, stores, runner, now):
        super().__init__()
        self.stores = stores
        self.runner = runner
        self.now = now
        self.known = {chat_id: Known() for chat_id in CHAT_IDS}
        self.woken = set()
        self.spent = []
        self.empty()

    def empty(self):
        async def forget(store):
            await asyncio.gather(*(store.delete(chat_id) for chat_id in CHAT_IDS))

        # What became of the examples before is not asked.
        self.ask(lambda store, _: forget(store), shown=lambda _: None)

    # ------------------------------------------------------------------ asking

    def ask(self, question, place=0, shown=lambda answer: answer):
        """Ask every store the same; returns the answers by store, if they are the same.

        Args:
            question: is called with a store object and the store's name, and awaited.
            place: which of a store's objects is asked.
            shown: what of an answer must be the same.
        """

        async def every():
            questions = (
                question(objects[place % len(objects)], name)
                for name, objects in self.stores.items()
            )
            # All of them to their end, so that none is still at work when the next is asked.
            answers = await asyncio.gather(*questions, return_exceptions=True)
            return dict(zip(self.stores, answers, strict=True))

        answers = self.runner.run(every())
        for name, answer in answers.items():
            if isinstance(answer, Exception) and not isinstance(answer, Busy | Conflict):
                answer.add_note(f"raised by {name}")
                raise answer
        views = {name: _error(answer) or shown(answer) for name, answer in answers.items()}
        first, *others = views.values()
        assert all(other == first for other in others), f"the stores disagree: {views}"
        return answers

    def claimed(self, answers):
        """The claims for the bundle; none where the stores refused."""
        if any(isinstance(answer, Exception) for answer in answers.values()):
            return multiple()
        return answers

    # ------------------------------------------------------------------ rules

    @rule(by=st.sampled_from(SPANS_S))
    def time_goes_on(self, by):
        self.now += by

    @rule(target=claims, chat_id=chat_ids, lease_s=st.sampled_from(SPANS_S), place=objects)
    def claim(self, chat_id, lease_s, place):
        answers = self.ask(
            lambda store, _: store.claim(chat_id, now=self.now, lease_s=lease_s), place, _claim
        )
        taken = self.claimed(answers)
        if taken is answers:
            self.lease(chat_id, self.now + lease_s)
        return taken

    @rule(target=claims, chat_id=chat_ids, lease_s=st.sampled_from(SPANS_S))
    def many_claim_at_once(self, chat_id, lease_s):
        async def many(store, name):
            every = [store, *self.stores[name]] * 3
            answers = await asyncio.gather(
                *(each.claim(chat_id, now=self.now, lease_s=lease_s) for each in every),
                return_exceptions=True,
            )
            won = [answer for answer in answers if not isinstance(answer, Busy)]
            assert len(won) <= 1, f"several claims at once in {name}: {won}"
            if not won:
                raise answers[0]
            if isinstance(won[0], Exception):
                raise won[0]
            return won[0]

        answers = self.ask(many, shown=_claim)
        taken = self.claimed(answers)
        if taken is answers:
            self.lease(chat_id, self.now + lease_s)
        return taken

    @rule(
        target=claims,
        claims=claims,
        body=st.binary(max_size=20),
        status=st.sampled_from(["OPEN", "DONE"]),
        wake_in=st.sampled_from([None, -60, 0, 10, 100]),
        expires_in=st.sampled_from(EXPIRIES_S),
        hold_s=st.sampled_from([None, None, *SPANS_S]),
        place=objects,
    )
    def commit(self, claims, body, *, status, wake_in, expires_in, hold_s, place):
        known = self.known[_chat_id(claims)]
        if known.is_open(self.now):
            return multiple()
        expires_at = None if expires_in is None else self.now + expires_in
        wake_at = None if wake_in is None else self.apart(self.now + wake_in)
        answers = self.ask(
            lambda store, name: store.commit(
                claims[name],
                body,
                now=self.now,
                status=status,
                wake_at=wake_at,
                expires_at=expires_at,
                hold_s=hold_s,
            ),
            place,
            _claim,
        )
        committed = self.claimed(answers)
        if committed is answers:
            self.spent.append(claims)
            known.expires_at = expires_at
            known.leased_until = 0.0 if hold_s is None else self.now + hold_s
        return committed

    @rule(claims=claims, place=objects)
    def release(self, claims, place):
        if claims in self.spent:
            return
        self.ask(lambda store, name: store.release(claims[name]), place)
        # Whether it was this claim that held the lease, the machine does not know.
        self.known[_chat_id(claims)].leased_until = 0.0

    @rule(chat_id=chat_ids, place=objects)
    def delete(self, chat_id, place):
        known = self.known[chat_id]
        expired = known.is_expired(self.now)
        self.ask(
            lambda store, _: store.delete(chat_id),
            place,
            lambda was_there: expired or was_there,
        )
        self.known[chat_id] = Known()

    @rule(chat_id=chat_ids, place=objects)
    def load(self, chat_id, place):
        self.ask(lambda store, _: store.load(chat_id, now=self.now), place)

    @rule(limit=st.integers(0, 5), place=objects)
    def due(self, limit, place):
        self.ask(lambda store, _: store.due(now=self.now, limit=limit), place)

    @rule(status=st.sampled_from([None, "OPEN", "DONE"]), place=objects)
    def scan(self, status, place):
        async def scanned(store):
            found = [stored async for stored in store.scan(status, now=self.now)]
            return sorted(found, key=lambda stored: stored.chat_id)

        self.ask(lambda store, _: scanned(store), place)

    @rule()
    def setup(self):
        self.ask(lambda store, _: store.setup())

    def teardown(self):
        for place in range(2):
            self.scan(status=None, place=place)
            self.due(limit=10, place=place)

    # ------------------------------------------------------------------ what is known

    def lease(self, chat_id, until):
        known = self.known[chat_id]
        if known.is_expired(self.now):
            known.expires_at = None
        known.leased_until = until

    def apart(self, wake_at):
        """A time near this one at which nothing else is due."""
        while wake_at in self.woken:
            wake_at += 1 / 1_024
        self.woken.add(wake_at)
        return wake_at


def agree(make_stores, runner, **options):
    """Do the same with all stores, in many ways.

    Args:
        make_stores: makes, for each run, lists of store objects by name; the objects of one name
            are on the same data. It may give the same ones each time: they are emptied.
        runner: an `asyncio.Runner`; the stores' only event loop.
        **options: settings of hypothesis, such as `max_examples`.

    Raises:
        AssertionError: two of them did not answer alike.
    """
    now = float(int(time.time()))
    options = {"deadline": None, "report_multiple_bugs": False, "stateful_step_count": 30} | options
    run_state_machine_as_test(
        lambda: Agreement(make_stores(), runner, now), settings=settings(**options)
    )


def _chat_id(claims):
    return next(iter(claims.values())).chat_id


def _claim(claim):
    """What of a claim must be the same: all but the token."""
    return claim.chat_id, claim.body, claim.revision


def _error(answer):
    if isinstance(answer, Busy):
        return "Busy", answer.chat_id, round(answer.retry_after_s, 3)
    if isinstance(answer, Conflict):
        return "Conflict", answer.chat_id, answer.revision
    return None
