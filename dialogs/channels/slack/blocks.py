"""How a message looks in Slack: pure functions from a message to what is posted.

Slack's limits are kept by splitting, never by leaving out: a long text becomes several posts, many
buttons several rows, and a label too long for a button is said in full above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dialogs.channels.showing import attachments_of, buttons_of, in_text, text_of
from dialogs.channels.slack.events import MARK
from dialogs.channels.slack.words import escape, sayable, split
from dialogs.messages import Attachment, Button, Message

LONGEST_TEXT = 4000
"""How long the text of a post is; Slack advises it, and cuts at ten times as much."""

LONGEST_SECTION = 3000
LONGEST_LABEL = 75
LONGEST_URL = 1500
LONGEST_NAME = 150
MOST_BLOCKS = 50
MOST_ELEMENTS = 25
LONGEST_BLOCKS = 10_000
"""How much text the blocks of a post have together. Slack's limit is not documented; people have
met it (msg_blocks_too_long) from 11,300 characters on."""

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Post:
    """One call of Slack's: a message, or a file.

    Args:
        text: its text, escaped; where there are blocks, what notifications show.
        blocks: its blocks, or none.
        file: the file to upload, in place of both.
    """

    text: str = ""
    blocks: tuple[Block, ...] = ()
    file: Attachment | None = None


def posts_of(message: Any, number: str, *, mrkdwn: bool = False) -> list[Post]:
    """What is posted for a message, in order; nothing for one that has nothing to show.

    Args:
        message: what the dialog said.
        number: the number of the message, which its components carry.
        mrkdwn: whether its text has Slack's marks, such as `*bold*`; else they mean themselves.
    """
    files = [Post(file=file) for file in attachments_of(message) if file.content is not None]
    if isinstance(message, Message) and message.blocks:
        blocks = [_marked(block, number, at) for at, block in enumerate(message.blocks)]
    else:
        blocks = _made_blocks(message, number, mrkdwn=mrkdwn)
    if blocks:
        return [*_posts_with(blocks, sayable(in_text(message))), *files]
    text = escape(sayable(text_of(message)))
    return [*[Post(part) for part in split(text, LONGEST_TEXT)], *files]


def _posts_with(blocks: Sequence[Block], text: str) -> list[Post]:
    fallback = (split(escape(text), LONGEST_SECTION) or ["\N{HORIZONTAL ELLIPSIS}"])[0]
    return [Post(fallback, part) for part in _parts(blocks)]


def _parts(blocks: Sequence[Block]) -> Iterator[tuple[Block, ...]]:
    """The blocks, in order, as many to a post as it may have."""
    part: list[Block] = []
    length = 0
    for block in blocks:
        more = _length(block)
        if part and (len(part) == MOST_BLOCKS or length + more > LONGEST_BLOCKS):
            yield tuple(part)
            part, length = [], 0
        part.append(block)
        length += more
    yield tuple(part)


def _length(value: Any) -> int:
    """How much text a block has, or a part of one."""
    match value:
        case str():
            return len(value)
        case Mapping():
            shown = (part for name, part in value.items() if name == "text" or _is_nested(part))
            return sum(map(_length, shown))
        case list() | tuple():
            return sum(map(_length, value))
        case _:
            return 0


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _marked(block: Mapping[str, Any], number: str, at: int) -> Block:
    """A block of the author's, as given; one that can be used and has no id gets ours."""
    usable = block.get("type") in ("actions", "input") or "accessory" in block
    if usable and "block_id" not in block:
        return {**block, "block_id": f"{MARK}{number}:{at}"}
    return dict(block)


# --- blocks that are made ---------------------------------------------------------------------


def _made_blocks(message: Any, number: str, *, mrkdwn: bool) -> list[Block]:
    """The blocks of a message with buttons, or with files that have an address; else none."""
    buttons = buttons_of(message)
    files = [file for file in attachments_of(message) if file.content is None]
    if not buttons and not files:
        return []
    labels = [_label(button, at) for at, button in enumerate(buttons, 1)]
    long = [
        f"{at}. {label}" for at, (label, _) in enumerate(labels, 1) if len(label) > LONGEST_LABEL
    ]
    text = sayable(text_of(message))
    blocks = list(_sections(text, mrkdwn=mrkdwn))
    blocks += [block for file in files for block in _link(file)]
    blocks += _sections("\n".join(long), mrkdwn=False)
    for row in range(0, len(labels), MOST_ELEMENTS):
        elements = [
            {
                "type": "button",
                "text": _plain(shown),
                "action_id": f"{MARK}{number}:{at}",
            }
            for at, (_, shown) in enumerate(labels)
            if row <= at < row + MOST_ELEMENTS
        ]
        blocks.append(
            {"type": "actions", "block_id": f"{MARK}{number}:{row}", "elements": elements}
        )
    return blocks


def _sections(text: str, *, mrkdwn: bool) -> Iterable[Block]:
    for part in split(escape(text) if mrkdwn else text, LONGEST_SECTION):
        shown = {"type": "mrkdwn", "text": part} if mrkdwn else _plain(part)
        yield {"type": "section", "text": shown}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _label(button: Button, at: int) -> tuple[str, str]:
    """A button's label, and as much of it as a button shows."""
    label = " ".join(sayable(button.label).split())
    if len(label) <= LONGEST_LABEL:
        return label, label or str(at)
    start = f"{at}. "
    return label, f"{start}{label[: LONGEST_LABEL - len(start) - 1]}\N{HORIZONTAL ELLIPSIS}"


def _link(file: Attachment) -> Iterable[Block]:
    """A file that has an address, as a link; Slack unfurls what it can show."""
    url, name = sayable(file.url or ""), sayable(file.name)
    if url.startswith(("http://", "https://")) and len(url) <= LONGEST_URL and "|" not in url:
        link = f"<{escape(url)}|{escape(name[:LONGEST_NAME]).replace('|', '/') or 'file'}>"
        yield {"type": "section", "text": {"type": "mrkdwn", "text": link}}
    else:
        yield from _sections(f"[{name}] {url}".rstrip(), mrkdwn=False)


# --- after a press ----------------------------------------------------------------------------


def without_buttons(blocks: Iterable[Mapping[str, Any]]) -> list[Block]:
    """The blocks of a message without the rows of buttons that were made for it."""
    return [dict(block) for block in blocks if not _is_row(block)]


def chosen(blocks: Iterable[Mapping[str, Any]], label: str, user: str | None) -> list[Block]:
    """The blocks of a message once it was answered: its buttons give way to the choice.

    Args:
        blocks: as Slack has them.
        label: what was pressed.
        user: who did, where others can see it.
    """
    label = " ".join(sayable(label).split())
    elements: list[Block] = [_plain(f"\N{CHECK MARK} {label}"[:LONGEST_SECTION])]
    if user:
        elements.insert(0, {"type": "mrkdwn", "text": f"<@{user}>"})
    return [*without_buttons(blocks), {"type": "context", "elements": elements}]


def _is_row(block: Mapping[str, Any]) -> bool:
    elements = block.get("elements") or ()
    return (
        block.get("type") == "actions"
        and bool(elements)
        and all(str(element.get("action_id")).startswith(MARK) for element in elements)
    )
