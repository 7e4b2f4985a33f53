"""Four small dialogs that bigger ones are made of."""

from collections.abc import Callable, Sequence
from typing import Any

from dialogs import DialogGen, Step, dialog, get_client_response, send_message

YES_OR_NO = {"yes": True, "y": True, "no": False, "n": False}


@dialog
def prompt(
    question: str, insistence: str = "Pardon?", is_valid: Callable[[str], bool] = bool
) -> DialogGen[str]:
    """Ask until the answer is valid. By default every answer is, save an empty one."""
    yield send_message(question)
    while not is_valid(answer := (yield get_client_response()).strip()):
        if answer:
            yield send_message(insistence)
        yield send_message(question)
    return answer


@dialog
def yes_no(question: str) -> DialogGen[bool]:
    """Ask until the answer is yes or no."""
    answer = yield prompt(
        f"{question} (yes or no)",
        "A plain yes or a plain no, please.",
        lambda answer: answer.lower() in YES_OR_NO,
    )
    return YES_OR_NO[answer.lower()]


@dialog
def multichoice(question: str, options: Sequence[str]) -> DialogGen[str]:
    """Offer options by number, and ask until one is chosen. Returns the option."""
    numbered = {str(number): option for number, option in enumerate(options, 1)}
    lines = [question, *(f"{number}. {option}" for number, option in numbered.items())]
    number = yield prompt(
        "\n".join(lines),
        f"A number from 1 to {len(options)}, please.",
        lambda answer: answer in numbered,
    )
    return numbered[number]


@dialog
def chain(*steps: Step) -> DialogGen[Any]:
    """Perform steps and dialogs one after another. Returns the last one's answer."""
    answer = None
    for step in steps:
        answer = yield step
    return answer
