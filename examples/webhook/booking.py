"""Booking a table, and being asked how it was on the next day."""

from datetime import timedelta

from dialogs import call, dialog, send_message, sleep
from dialogs.prompts import ask, confirm


def booking_of(tables):
    """The dialog, over these tables."""

    @dialog(name="booking")
    def booking():
        guests = yield from ask("A table for how many?", int, range(1, 9).__contains__)
        if not (yield from confirm(f"Tonight, for {guests}?")):
            return None
        table = yield from call(tables.take, guests)
        yield send_message(f"Table {table} is yours.")
        yield sleep(timedelta(days=1))
        yield send_message("How was it?")
        return table

    return booking
