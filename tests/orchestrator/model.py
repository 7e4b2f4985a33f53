"""A model of one conversation: what must be said and kept, whatever happens to it."""

import copy

from dialogs import (
    Interrupt,
    ResponseTimeout,
    call,
    dialog,
    get_client_response,
    send_message,
    sleep,
    wait_for_signal,
)

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
