"""Words in Slack's form and back: its escapes, its references, its limits."""

from __future__ import annotations

import re

_REFERENCE = re.compile(r"<([^<>]*)>")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_ENTITY = 5
"""How long an escape is at most: `&amp;`."""


def escape(text: str) -> str:
    """Text as Slack shows it unchanged: nobody is named or linked by it.

    >>> escape("1 < 2 & <!channel>")
    '1 &lt; 2 &amp; &lt;!channel&gt;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """What `escape` was given."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def sayable(text: str) -> str:
    """Text without what no screen shows and no request carries."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub("", text))


def as_typed(text: str, bot: str | None) -> str:
    """Text of an event as the person saw it.

    Args:
        text: as Slack sent it. Links and addresses are shown as they were typed, channels and
            groups by name; people stay `<@U1>`, since Slack gives no name.
        bot: the bot's user id, whose name at the beginning is left out.

    >>> as_typed("<@UBOT> write to <mailto:a@b.example|a@b.example> &amp; wait", "UBOT")
    'write to a@b.example & wait'
    """
    if bot is not None:
        text = re.sub(rf"^\s*<@{re.escape(bot)}(\|[^>]*)?>[\s:,]*", "", text)
    pieces, end = [], 0
    for found in _REFERENCE.finditer(text):
        pieces += [unescape(text[end : found.start()]), _shown(found[1])]
        end = found.end()
    return "".join([*pieces, unescape(text[end:])])


def _shown(reference: str) -> str:
    target, _, label = reference.partition("|")
    target, label = unescape(target), unescape(label)
    match target[:1]:
        case "@":
            return f"<{target}>"
        case "#":
            return f"#{label}" if label else f"<{target}>"
        case "!":
            return label or f"@{target[1:].partition('^')[0]}"
        case _:
            return label or target.removeprefix("mailto:").removeprefix("tel:")


def split(text: str, limit: int) -> list[str]:
    """Text in parts that are not longer, cut at the ends of lines or between words.

    Args:
        text: the text; escaped, where it will be sent escaped.
        limit: how many characters a part may have.

    >>> split("one two three", 8)
    ['one two', 'three']
    """
    parts = []
    while len(text) > limit:
        cut = text.rfind("\n", 1, limit + 1)
        if cut < limit // 2:
            cut = max(cut, text.rfind(" ", 1, limit + 1))
        if cut > 0:
            parts.append(text[:cut])
            text = text[cut + 1 :]
            continue
        # An escape is not cut in two.
        escape_at = text.rfind("&", limit - _ENTITY + 1, limit)
        cut = limit if escape_at < 1 or ";" in text[escape_at:limit] else escape_at
        parts.append(text[:cut])
        text = text[cut:]
    # Slack refuses what is nothing but spaces.
    return [part for part in (*parts, text) if part.strip()]
