"""What those try who try to break in."""

import time

ROUTES = [
    ("GET", ""),
    ("POST", "/messages"),
    ("POST", "/start"),
    ("DELETE", ""),
    ("GET", "/files/1/0"),
]


async def ask(http, method, path, token=None, **more):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = {"json": {"text": "I was here"}} if path.endswith("/messages") else {}
    return await http.request(method, path, headers=headers, **body, **more)


NOW = time.time()


def later():
    """Long after all that these tests sign."""
    return NOW + 1_000_000


def changed(token):
    head, _, signature = token.rpartition(".")
    return [
        # Its first letter: the last one has bits that base64 does not read.
        f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        f"{head}.{signature[::-1]}",
        token[:-5],
        token + "A",
        "A" + token,
        token.replace(".", ""),
        "",
        "null",
        token.encode().hex(),
        "é" * 20,
    ]
