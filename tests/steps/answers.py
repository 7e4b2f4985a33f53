"""A dialog that greets, and what a dialog gets for a step."""

from dialogs import InMemoryPersistence, dialog, get_client_response, run_gen_dialog, send_message


@dialog
def greet(who="you"):
    yield send_message(f"Hello, {who}!")


def answer_of(step):
    """What a dialog gets for a step in its first turn, and what it gets in the next one."""

    @dialog
    def ask():
        answer = yield step
        seen.append(answer)
        yield get_client_response()

    seen = []
    kept = InMemoryPersistence()
    run_gen_dialog(ask(), kept, "")
    run_gen_dialog(ask(), kept, "go on")
    return seen
