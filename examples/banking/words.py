"""What people's words mean; a classifier or a language model would stand here."""

import re


def understand(text: str) -> dict:
    """The intent and the entities of a text."""
    found = {
        "amount": re.search(r"\b(\d+) *(?:€|euros?\b|EUR\b)", text, re.IGNORECASE),
        "payee": re.search(r"\bto (\d{4}-\d)\b", text, re.IGNORECASE),
    }
    entities = {name: match[1] for name, match in found.items() if match}
    return {"text": text, "intent": intent_of(text), "entities": entities}


def intent_of(text: str) -> str:
    words = set(re.findall(r"\w+", text.casefold()))
    if words & {"no", "stop", "cancel"}:
        return "cancel"
    if words & {"yes", "ok", "confirm"}:
        return "confirm"
    return "transfer" if words & {"send", "transfer", "pay"} else "other"


def is_account(number: str) -> bool:
    """Whether the check digit of an account number is right (Luhn's rule)."""
    digits = [int(letter) for letter in reversed(number) if letter.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
