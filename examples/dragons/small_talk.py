"""An innkeeper who has nothing against animals, with one exception."""

from dialogs import dialog, run, send_message
from examples.dragons.primitives import chain, multichoice, prompt, yes_no


def is_welcome(animal: str) -> bool:
    return animal.isalpha() and "dragon" not in animal.lower()


@dialog
def the_roof():
    run(send_message("It has burned down twice."))
    while run(yes_no("Do you think a dragon would pay for the third?")):
        run(send_message("They all say that. Think again."))
    run(send_message("Then we understand each other."))


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
    name = run(ASK_NAME)
    animal = run(ASK_ANIMAL)
    run(send_message(f"{name} the {animal}. I shall not forget it."))
    if run(yes_no(f"Does your {animal} sing at night?")):
        run(send_message(f"Then the {animal} gets the room above the stable."))
    else:
        run(send_message(f"Then the {animal} may have the room next to mine."))
    while (topic := run(multichoice("What shall we talk about?", [*TOPICS, LEAVE]))) != LEAVE:
        run(TOPICS[topic])
    run(send_message(f"Safe road, {name}. Mind the {animal} on the stairs."))
