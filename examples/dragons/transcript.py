"""Reads the conversation that a README shows, for the tests that play it."""

from pathlib import Path


def read_transcript(readme: Path) -> list[tuple[str, str]]:
    """What the person says and what the bot says to that, turn by turn.

    In the first turn the person says nothing: it starts the conversation.
    """
    shown = readme.read_text().split("```text\n")[1].split("\n```")[0]
    opening, *turns = shown.split("\n>")
    played = [("", opening)]
    for turn in turns:
        answer, _, said = turn.partition("\n")
        played.append((answer.strip(), said))
    return played
