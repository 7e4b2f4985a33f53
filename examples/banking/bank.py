"""A small bank over HTTP: accounts, a second factor, and transfers that happen once.

Its books are an SQLite file, so that it can be killed like any other program.
"""

import contextlib
import secrets
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, Field

BOOKS = """
CREATE TABLE IF NOT EXISTS customers (name TEXT PRIMARY KEY, pin TEXT);
CREATE TABLE IF NOT EXISTS accounts (
    number TEXT PRIMARY KEY, owner TEXT, balance INTEGER CHECK (balance >= 0),
    most INTEGER, may_send INTEGER
);
CREATE TABLE IF NOT EXISTS logins (
    id TEXT PRIMARY KEY, owner TEXT, code TEXT, tries INTEGER DEFAULT 0, token TEXT UNIQUE
);
CREATE TABLE IF NOT EXISTS transfers (
    id INTEGER PRIMARY KEY, key TEXT UNIQUE, payer TEXT, payee TEXT, amount INTEGER
);
INSERT OR IGNORE INTO customers VALUES ('ada', '1815'), ('bob', '2718');
INSERT OR IGNORE INTO accounts VALUES
    ('1001-7', 'ada', 500, 1000, 1), ('1003-3', 'ada', 9000, 1000, 0), ('2004-0', 'bob', 20, 50, 1);
"""
TRIES = 3
"""How often a code may be tried."""


class Credentials(BaseModel):
    customer: str
    pin: str


class Code(BaseModel):
    code: str


class Transfer(BaseModel):
    payer: str
    payee: str
    amount: Annotated[int, Field(gt=0, lt=10**9)]  # whole euros


def no_text(to: str, text: str) -> None:
    """A phone that is off."""


def a_code() -> str:
    return f"{secrets.randbelow(10**6):06}"


class Bank:
    """The books, and what is done in them.

    Args:
        books: the SQLite file.
        text: sends a text message to a customer's phone.
        new_code: makes the code of a second factor.
    """

    def __init__(
        self,
        books: str = ":memory:",
        text: Callable[[str, str], None] = no_text,
        new_code: Callable[[], str] = a_code,
    ) -> None:
        self.text = text
        self.new_code = new_code
        self.lock = threading.Lock()
        self.books = sqlite3.connect(books, isolation_level=None, check_same_thread=False)
        self.books.row_factory = sqlite3.Row
        self.books.executescript(BOOKS)

    def close(self) -> None:
        self.books.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One change of the books at a time, wholly or not at all."""
        with self.lock, self.books:
            self.books.execute("BEGIN IMMEDIATE")
            yield self.books

    def find(self, query: str, *values: object) -> sqlite3.Row | None:
        with self.lock:
            return self.books.execute(query, values).fetchone()

    def log_in(self, credentials: Credentials) -> str:
        """The first factor; sends the code of the second one."""
        pin = self.find("SELECT pin FROM customers WHERE name = ?", credentials.customer)
        if pin is None or not secrets.compare_digest(pin[0].encode(), credentials.pin.encode()):
            raise HTTPException(403, "The PIN is wrong.")
        login, code = secrets.token_urlsafe(), self.new_code()
        with self.writing() as books:
            books.execute(
                "INSERT INTO logins (id, owner, code) VALUES (?, ?, ?)",
                (login, credentials.customer, code),
            )
        self.text(credentials.customer, f"Your code is {code}.")
        return login

    def token(self, login: str, given: Code) -> str:
        """The second factor; a token for all else."""
        token = secrets.token_urlsafe()
        with self.writing() as books:
            books.execute("UPDATE logins SET tries = tries + 1 WHERE id = ?", (login,))
            opened = books.execute(
                "UPDATE logins SET token = ? WHERE id = ? AND code = ? AND tries <= ?",
                (token, login, given.code, TRIES),
            )
        if not opened.rowcount:
            raise HTTPException(403, "The code is wrong.")
        return token

    def customer(self, authorization: Annotated[str, Header()] = "") -> str:
        """Whose token a request has."""
        token = authorization.removeprefix("Bearer ")
        found = self.find("SELECT owner FROM logins WHERE token = ?", token)
        if found is None:
            raise HTTPException(401, "The token is not known.")
        return found["owner"]

    def account(self, number: str, customer: str) -> sqlite3.Row:
        found = self.find("SELECT * FROM accounts WHERE number = ?", number)
        if found is None or found["owner"] != customer:
            raise HTTPException(403, f"The account {number} is not yours.")
        return found

    def send(self, order: Transfer, customer: str, key: str) -> dict:
        """Move money; what comes again under the same key is answered, and moves none."""
        account = self.account(order.payer, customer)
        if not account["may_send"] or order.amount > account["most"]:
            raise HTTPException(403, "The account may not send that.")
        with self.writing() as books:
            done = books.execute("SELECT * FROM transfers WHERE key = ?", (key,)).fetchone()
            if done is None:
                done = self.move(books, order, key)
        if (done["payer"], done["payee"], done["amount"]) != tuple(order.model_dump().values()):
            raise HTTPException(422, "This key belongs to another transfer.")
        return {"id": f"T-{done['id']}"}

    @staticmethod
    def move(books: sqlite3.Connection, order: Transfer, key: str) -> sqlite3.Row:
        add = "UPDATE accounts SET balance = balance + ? WHERE number = ?"
        if not books.execute(add, (order.amount, order.payee)).rowcount:
            raise HTTPException(404, f"There is no account {order.payee}.")
        try:
            books.execute(add, (-order.amount, order.payer))
        except sqlite3.IntegrityError:
            raise HTTPException(409, "The balance is too low.") from None
        return books.execute(
            "INSERT INTO transfers (key, payer, payee, amount) VALUES (?, ?, ?, ?) RETURNING *",
            (key, *order.model_dump().values()),
        ).fetchone()


def over_http(bank: Bank) -> FastAPI:
    """The bank's API."""
    app = FastAPI(title="A small bank")
    customer = Depends(bank.customer)

    @app.post("/logins", status_code=201)
    def log_in(credentials: Credentials) -> dict:
        return {"login": bank.log_in(credentials)}

    @app.post("/logins/{login}/code")
    def give_code(login: str, code: Code) -> dict:
        return {"token": bank.token(login, code)}

    @app.get("/accounts/{number}/access")
    def access(number: str, customer: str = customer) -> dict:
        account = bank.account(number, customer)
        return {"may_send": bool(account["may_send"]), "most": account["most"]}

    @app.get("/accounts/{number}/balance")
    def balance(number: str, customer: str = customer) -> dict:
        return {"balance": bank.account(number, customer)["balance"]}

    @app.post("/transfers", status_code=201)
    def send(
        order: Transfer, idempotency_key: Annotated[str, Header()], customer: str = customer
    ) -> dict:
        return bank.send(order, customer, idempotency_key)

    return app


@contextlib.contextmanager
def opened(app: Any) -> Iterator[str]:
    """Serve a bank in a thread of this program; its address, at a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
