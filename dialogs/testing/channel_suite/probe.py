"""The dialog that the tests of a channel talk to: what it is told to do, it does."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from dialogs.dialog import Dialog, DialogGen, dialog
from dialogs.errors import ResponseTimeout
from dialogs.messages import Attachment, Button, Message
from dialogs.steps import send_message
from dialogs.waits import get_client_response, wait_for_signal

GREETING = "Tell me what to do."
FAREWELL = "That was all."
LATE = "You are late."
LINES = [f"line {number:02} of twenty" for number in range(1, 21)]
WORDS = 5_000
LIMIT_S = 60.0

STRANGE = (
    "<b>b</b> &amp; <script>x</script> <@U1> <!channel> [red]r[/red] *s* _u_ ~d~ `c` {0} %s $X "
    "http://example.com/?a=1&b=2 é 漢字 😀"
)
"""Characters that mean something to some platform, and should mean themselves."""

DRINKS: dict[str, Any] = {
    "Tea": True,
    "Coffee": ("black", Decimal("2.50")),
    "Milk": {"warm": [1, None]},
    "Water": None,
}
"""Labels of buttons, and their values."""

MANY = [
    f"Option {number:02}, which is one of thirty options to choose from" for number in range(30)
]
LONG_LABEL = "A label that goes on " + "and on " * 30 + "and ends"

ODD: list[Any] = [
    *("", "   ", "\ud800", "\0\x1b[2J\x07"),
    *(Message(), Message(data={"a": 1}), 42, {}),
]
"""What hardly can be said."""

REPORT = Attachment("report.pdf", "https://example.com/report.pdf", "application/pdf")
NOTES = Attachment("notes.txt", media_type="text/plain", content=b"Bring a pen.")


@dialog(name="probe of the channel suite")
def probe(_opening: Any = None) -> DialogGen[None]:
    """Does what it is told, and repeats what it does not know, with its number."""
    yield send_message(GREETING)
    count = 0
    while True:
        answer = yield get_client_response()
        count += 1
        act = _ACTS.get(answer) if isinstance(answer, str) else None
        if answer == "bye":
            yield send_message(FAREWELL)
            return
        if act is None:
            yield send_message(f"No. {count}: {answer!r}")
        elif isinstance(act, Message | str):
            yield send_message(act)
        else:
            yield act()


@dialog
def lines() -> DialogGen[None]:
    """Says many messages in one turn."""
    for line in LINES:
        yield send_message(line)


@dialog
def patience() -> DialogGen[None]:
    """Waits for an answer, and not for ever."""
    yield send_message("I wait a minute.")
    try:
        yield get_client_response(timeout=LIMIT_S)
    except ResponseTimeout:
        yield send_message(LATE)


@dialog
def listening() -> DialogGen[None]:
    """Waits for something other than an answer."""
    yield send_message("I wait for news.")
    news = yield wait_for_signal("news")
    yield send_message(f"News: {news}.")


@dialog
def broken() -> DialogGen[None]:
    """Has an error."""
    yield send_message("You should never see this.")
    raise LookupError("The suite's dialog was told to fail; this error is wanted.")


@dialog
def odd_things() -> DialogGen[None]:
    """Says what hardly can be said, and something plain at the end."""
    for odd in ODD:
        yield send_message(odd)
    yield send_message("All of it was odd.")


def _buttons(labels: dict[str, Any]) -> tuple[Button, ...]:
    return tuple(Button(label, value) for label, value in labels.items())


_ACTS: dict[str, Message | str | Callable[[], Dialog[None]]] = {
    "lines": lines,
    "strange": STRANGE,
    "two lines": "the upper line\nthe lower line",
    "long": " ".join(f"word{number:04}" for number in range(WORDS)),
    "offer": Message("What would you like?", _buttons(DRINKS)),
    "offer many": Message("Which one?", _buttons({label: at for at, label in enumerate(MANY)})),
    "offer long": Message("This or that?", (Button(LONG_LABEL, "this"), Button("Short", "that"))),
    "offer bare": Message(buttons=(Button("Yes", True), Button("No", False))),
    "attach": Message("Here they are.", attachments=(REPORT, NOTES)),
    "wait": patience,
    "listen": listening,
    "fail": broken,
    "odd": odd_things,
}
