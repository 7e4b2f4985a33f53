"""The bank as Python code asks it; the workflow document has an `Integration` in its place."""

from datetime import timedelta

import httpx
import stamina

from dialogs import call, dialog, send_message, serializable
from dialogs.prompts import ask

LIMIT = timedelta(minutes=15)


# Registered, so that a dialog can catch them by their class, also when the log gives them again.
@serializable(name="BankRefused")
class Refused(Exception):
    """The bank says no, with a status and a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


@serializable(name="BankGaveNoAnswer")
class NoAnswer(Exception):
    """The bank does not answer; what was asked of it may have happened."""


def is_passing(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)


class BankClient:
    """Asks a bank over HTTP.

    Args:
        url: where it is.
        timeout: how long an attempt may take, in seconds.
    """

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        self.url = url
        self.timeout = timeout

    async def ask(self, method, path, body=None, *, token=None, key=None, attempts=3) -> dict:
        signed = {"Authorization": f"Bearer {token}"} if token else {}
        headers = signed | ({"Idempotency-Key": key} if key else {})
        try:
            async for attempt in stamina.retry_context(on=is_passing, attempts=attempts):
                with attempt:
                    async with httpx.AsyncClient(base_url=self.url, timeout=self.timeout) as http:
                        answer = await http.request(method, path, json=body, headers=headers)
                    return answer.raise_for_status().json()
        except httpx.HTTPStatusError as error:
            if is_passing(error):
                raise NoAnswer(str(error)) from None
            raise Refused(error.response.status_code, error.response.json()["detail"]) from None
        except httpx.TransportError as error:
            raise NoAnswer(str(error)) from None
        raise AssertionError("every attempt returns or raises")

    async def login(self, customer: str, pin: str) -> str:
        # Once only: each login sends a text message.
        body = {"customer": customer, "pin": pin}
        return (await self.ask("POST", "/logins", body, attempts=1))["login"]

    async def token(self, login: str, code: str) -> str:
        path = f"/logins/{login}/code"
        return (await self.ask("POST", path, {"code": code}, attempts=1))["token"]

    async def access(self, token: str, account: str) -> dict:
        return await self.ask("GET", f"/accounts/{account}/access", token=token)

    async def balance(self, token: str, account: str) -> int:
        return (await self.ask("GET", f"/accounts/{account}/balance", token=token))["balance"]

    async def transfer(self, token, payer, payee, amount, key) -> str:
        body = {"payer": payer, "payee": payee, "amount": amount}
        return (await self.ask("POST", "/transfers", body, token=token, key=key))["id"]


def two_factors(bank: BankClient):
    """The dialog that asks for both factors, and gives a token, or None."""

    @dialog(name="two_factors")
    async def two_factors(customer):
        try:
            login = await call(bank.login, customer, await ask("Your PIN?", timeout=LIMIT))
            await send_message("A code is on its way to your phone.")
            token = await call(bank.token, login, await ask("Which code?", timeout=LIMIT))
        except Refused:
            return None
        return {"token": token}

    return two_factors
