"""Whether two values are the same, as the log promises it: equal, and of equal types."""

import math
from dataclasses import fields, is_dataclass
from datetime import datetime, time, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal and of the same types, all the way down."""
    if type(left) is not type(right):
        return False
    match left:
        case float():
            return (left == right and math.copysign(1, left) == math.copysign(1, right)) or (
                math.isnan(left) and math.isnan(right)
            )
        case complex():
            return same(left.real, right.real) and same(left.imag, right.imag)
        case Decimal():
            return left.as_tuple() == right.as_tuple()
        case datetime() | time():
            naive = left.replace(tzinfo=None) == right.replace(tzinfo=None)
            zone = left.tzinfo, right.tzinfo
            return naive and left.fold == right.fold and same(*zone)
        case ZoneInfo():
            return left.key == right.key
        case timezone():
            return left == right and left.tzname(None) == right.tzname(None)
        case list() | tuple():
            return len(left) == len(right) and all(map(same, left, right))
        case dict():
            return same(list(left.items()), list(right.items()))
        case set() | frozenset():
            # Every element has its twin: sets have no order to compare them in.
            rest = list(right)
            for item in left:
                twin = next((n for n, other in enumerate(rest) if same(item, other)), None)
                if twin is None:
                    return False
                del rest[twin]
            return not rest
        case BaseModel():
            parts = "__dict__", "__pydantic_extra__", "__pydantic_private__"
            return left.model_fields_set == right.model_fields_set and all(
                same(getattr(left, part), getattr(right, part)) for part in parts
            )
        case BaseException():
            return same(left.args, right.args) and same(left.__dict__, right.__dict__)
    if is_dataclass(left):
        return all(same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))
    return bool(left == right)
