"""The text of a document as data: YAML, with the types of JSON only.

No dates, no `yes` as true, no tags. Anchors, and `<<` with them, are allowed as far as they do not
make a short text long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dialogs.errors import missing_extra
from dialogs.workflows.sources import DEEPEST, Place, Reader, Unreadable

_TAGS = [f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str")]
"""What the reader gives to what has no tag of its own."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,4000}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class Yaml(Reader):
    """Reads YAML."""

    def read(self) -> Any:
        """The data; see `Reader`."""
        try:
            import yaml  # noqa: PLC0415 - an extra
        except ModuleNotFoundError:
            raise missing_extra("A workflow in YAML", "pyyaml", "workflows") from None
        self.yaml = yaml
        try:
            # BaseLoader builds no objects: of it, only the tree of nodes is used.
            node = yaml.compose(self.text, Loader=yaml.BaseLoader)
            return None if node is None else self._value(node, (), ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = None if mark is None else mark.line + 1
            raise Unreadable(
                f"the text is no YAML: {error.problem or error.context}", line
            ) from None
        except yaml.YAMLError as error:
            raise Unreadable(f"the text is no YAML: {error}".splitlines()[0]) from None
        except RecursionError:
            raise Unreadable(f"the document is nested deeper than {DEEPEST}") from None

    def _value(self, node: Any, place: Place, around: tuple[int, ...]) -> Any:
        line = node.start_mark.line + 1
        self.enter(place, line)
        if id(node) in around:
            raise Unreadable("an anchor holds itself", line)
        if node.tag not in _TAGS:
            raise Unreadable(f"the tag {node.tag!r} is not allowed", line)
        around = (*around, id(node))
        if isinstance(node, self.yaml.MappingNode):
            return self._mapping(node, place, around)
        if isinstance(node, self.yaml.SequenceNode):
            return [self._value(item, (*place, at), around) for at, item in enumerate(node.value)]
        return node.value if node.style else _plain(node.value, line)

    def _mapping(self, node: Any, place: Place, around: tuple[int, ...]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, self.yaml.ScalarNode):
                raise Unreadable("a key is no text", line)
            key = key_node.value
            if key == "<<" and not key_node.style:
                merged += self._merged(value_node, place, around, line)
                continue
            self.check_new(mapping, key, line)
            mapping[key] = self._value(value_node, (*place, key), around)
            self.lines[*place, key] = line
        for other in merged:
            mapping = other | mapping
        return mapping

    def _merged(
        self, node: Any, place: Place, around: tuple[int, ...], line: int
    ) -> Iterator[dict[str, Any]]:
        """The mappings that `<<` names; what a mapping has itself comes before what it merges."""
        named = node.value if isinstance(node, self.yaml.SequenceNode) else [node]
        for other in named:
            if not isinstance(other, self.yaml.MappingNode):
                raise Unreadable("`<<` merges mappings, and nothing else", line)
            yield self._value(other, (*place, "<<"), around)


def _plain(text: str, line: int) -> Any:
    """A value without quotes, with the types of JSON."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise Unreadable(f"{text} is too large a number", line)
        return number
    return text
