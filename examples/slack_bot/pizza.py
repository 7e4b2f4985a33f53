"""Two dialogs that know nothing of Slack."""

from dialogs import Button, Message, ResponseTimeout, dialog, get_client_response, send_message
from dialogs.prompts import ask, choose, confirm

PIZZAS = {"Margherita": 8, "Funghi": 9, "Quattro formaggi": 11}
DONE = "/done"


@dialog
def order():
    """Takes an order; what a direct message begins."""
    pizza = yield choose("Which pizza would you like?", list(PIZZAS))
    count = yield ask("How many?", int, lambda count: 0 < count <= 20)
    if (yield confirm(f"{count} x {pizza}, {count * PIZZAS[pizza]} euros. Shall I order?")):
        yield send_message("On its way!")
    else:
        yield send_message("Another time, then.")


@dialog
def lunch(opening):
    """Takes the orders of a thread; what a mention in a channel begins."""
    wanted = []
    yield send_message(f"{opening or 'Lunch!'} Say which pizza you would like, each of you.")
    while True:
        try:
            said = yield get_client_response(timeout=3600)
        except ResponseTimeout:
            break
        if said == DONE:
            break
        wanted.append(said)
        yield send_message(Message(f"That makes {len(wanted)}.", (Button("Order them", DONE),)))
    yield send_message(f"Ordered: {', '.join(wanted) or 'nothing'}.")
