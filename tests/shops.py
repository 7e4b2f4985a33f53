"""A dialog in two versions, and its fallbacks."""

from dialogs import (
    dialog,
    get_client_response,
    send_message,
)
from tests.written import written

SHOP = """
    def shop():
        «send_message("Shop {version}: item?")»
        item = «get_client_response()»
        «send_message("Shop {version}: how many?")»
        amount = «get_client_response()»
        return "{version}", item, amount
"""


def shop(version, style="generator"):
    return written(SHOP.replace("{version}", version), style, version=version)()


@dialog
def sorry():
    yield send_message("Sorry, we start anew.")


def named(name, version):
    @dialog(name=name, version=version)
    def ask():
        yield send_message(f"{name} {version}?")
        return (yield get_client_response())

    return ask()


def around(inner, style="generator"):
    """A dialog that runs another one between two questions of its own."""
    return written(
        """
        def around():
            «send_message("Before?")»
            before = «get_client_response()»
            result = «inner»
            «send_message("After?")»
            return before, result, «get_client_response()»
        """,
        style,
        inner=inner,
    )()
