"""Writes the golden conversations that are not there yet.

Run it from the root: `python -m tests.golden.make_conversations`. `--again` also rewrites those of
the format that this library writes. That is for a format nobody has kept a conversation of: never
after its first release.
"""

import asyncio
import sys

from dialogs import Conversation
from tests.golden.orchestrated import FOLDER, OURS, STORIES, Teller, facts, file_of


async def main(again: bool) -> None:
    """Write the bytes of all stories, after each of their events, and the facts beside them."""
    OURS.mkdir(exist_ok=True)
    for name, story in STORIES.items():
        teller, number = Teller(story), 0
        async for _ in teller.tell():
            path, body = file_of(name, number), await teller.body()
            if again or not path.exists():
                path.write_bytes(body)
                path.with_suffix(".txt").write_text(facts(Conversation.decode(body)), "utf-8")
                print(path.relative_to(FOLDER), len(body), "bytes")  # noqa: T201
            number += 1


if __name__ == "__main__":
    asyncio.run(main(again="--again" in sys.argv))
