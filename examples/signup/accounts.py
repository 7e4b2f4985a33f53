"""Stands in for an account service elsewhere, whose answers get lost at times."""

import asyncio

from dialogs import serializable


# Registered, so that a dialog can catch it by its own class, also when the log gives it again.
@serializable
class NoAnswer(Exception):
    pass


class AccountService:
    """Makes accounts; asked twice with the same key, it makes one.

    The first `lost` answers never arrive, though the account is made.
    """

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost
        self.requests = 0
        self.accounts: dict[str, dict[str, str]] = {}  # by key

    async def create(self, email: str, source: str, key: str) -> str:
        await asyncio.sleep(0)
        self.requests += 1
        new = {"id": f"A-{len(self.accounts) + 1}", "email": email, "source": source}
        account = self.accounts.setdefault(key, new)
        if self.lost:
            self.lost -= 1
            raise NoAnswer("timeout")
        return account["id"]
