"""A request that waits for a decision: for days, through reminders, up to the director."""

import os
from datetime import timedelta

from dialogs import Message, ResponseTimeout, dialog, send_message, wait_for_signal

# To watch it in seconds: APPROVAL_DAY=1 python -m examples.approval ...
DAY = timedelta(seconds=float(os.environ.get("APPROVAL_DAY", "86400")))


@dialog
def approval(request):
    """What became of a request; it is the message that opens the conversation."""
    who, what = request["who"], request["what"]
    yield mail(who, f"Your request is noted: {what}.")
    yield mail("manager", f"{who} asks for {what}. Approve or reject?")
    try:
        try:
            decision = yield decision_of("manager", what, reminders=2)
        except ResponseTimeout:
            yield mail("director", f"{who} asks for {what}, and the manager is silent. Your turn.")
            decision = yield decision_of("director", what, reminders=1)
    except ResponseTimeout:
        yield mail(who, f"Nobody decided on {what}. Please ask again.")
        raise  # ends the conversation as TIMED_OUT
    yield mail(who, f"{what}: {decision['verdict']} by {decision['by']}.")
    return decision


@dialog
def decision_of(person, what, reminders):
    """The decision, after as many reminders as it takes; ResponseTimeout where they do not help."""
    for number in range(1, reminders + 1):
        try:
            return (yield wait_for_signal("decision", timeout=2 * DAY))
        except ResponseTimeout:
            yield mail(person, f"Reminder {number} of {reminders}: {what} waits for you.")
    return (yield wait_for_signal("decision", timeout=2 * DAY))


def mail(to, text):
    """The step that writes to somebody."""
    return send_message(Message(text, data={"to": to}))
