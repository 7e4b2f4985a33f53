"""The states that ask the restaurant: they need more than inline code has, so they are Python."""

import asyncio

from dialogs import step_key

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOURS = ("18:00", "20:00", "22:00")
CLOSED = "monday"

booked: dict[str, dict] = {}
"""The restaurant's book: what was booked, by the step that booked it."""


async def day(chat_id, user_input, context, sender):
    """Take the day, and offer the hours that are free."""
    named = user_input.strip().lower()
    if named not in DAYS:
        sender.send_message(chat_id, "Which day of the week?")
        return "day", context
    free = await free_hours(named)
    if not free:
        sender.send_message(chat_id, f"We are closed on {named}s. Another day?")
        return "day", context
    sender.send_message(chat_id, f"We have {', '.join(free)}. At which hour?")
    return "hour", {**context, "day": named, "free": free}


def hour(chat_id, user_input, context, sender):
    """Take the hour, and book."""
    if user_input.strip() not in context["free"]:
        sender.send_message(chat_id, f"One of {', '.join(context['free'])}, please.")
        return "hour", context
    table = {"guests": context["guests"], "day": context["day"], "hour": user_input.strip()}
    book(table, key=step_key())
    sender.send_message(chat_id, "Booked: {guests} guests, {day}, {hour}.".format(**table))
    sender.send_message(chat_id, "Another table?")
    return "more", table


async def free_hours(day: str) -> list[str]:
    """What a real restaurant would look up elsewhere."""
    await asyncio.sleep(0)
    taken = {table["hour"] for table in booked.values() if table["day"] == day}
    return [] if day == CLOSED else [hour for hour in HOURS if hour not in taken]


def book(table: dict, key: str) -> None:
    """Write a table down. The same step writes it once, however often it is tried."""
    booked.setdefault(key, table)
