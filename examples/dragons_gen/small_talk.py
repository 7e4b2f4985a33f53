"""An innkeeper who has nothing against animals, with one exception."""

from dialogs import dialog, send_message
from examples.dragons_gen.primitives import chain, multichoice, prompt, yes_no


def is_welcome(animal: str) -> bool:
    return animal.isalpha() and "dragon" not in animal.lower()


@dialog
def the_roof():
    yield send_message("It has burned down twice.")
    while (yield yes_no("Do you think a dragon would pay for the third?")):
        yield send_message("They all say that. Think again.")
    yield send_message("Then we understand each other.")


# Steps and dialogs are plain data: these are built once and serve every conversation.
ASK_NAME = chain(
    send_message("Evening. This is the Singed Goose, and I mind the bar."),
    prompt("What do they call you?"),
)
ASK_ANIMAL = prompt(
    "Which animal would you come back as?",
    "One word, and no dragons: the last one is still on the bill.",
    is_welcome,
)
TOPICS = {
    "The roof": the_roof(),
    "The soup": chain(
        send_message("Leek. It is always leek."),
        prompt("What would you put in it?"),
        send_message("We are out of that."),
    ),
}
LEAVE = "Nothing, I must go"


@dialog
def small_talk():
    name = yield ASK_NAME
    animal = yield ASK_ANIMAL
    yield send_message(f"{name} the {animal}. I shall not forget it.")
    if (yield yes_no(f"Does your {animal} sing at night?")):
        yield send_message(f"Then the {animal} gets the room above the stable.")
    else:
        yield send_message(f"Then the {animal} may have the room next to mine.")
    while (topic := (yield multichoice("What shall we talk about?", [*TOPICS, LEAVE]))) != LEAVE:
        yield TOPICS[topic]
    yield send_message(f"Safe road, {name}. Mind the {animal} on the stairs.")
