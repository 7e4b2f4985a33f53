"""Turns of a RedisStore, and the keys that they leave."""

NOW = 1_800_000_000.25
LEASE_S = 30
PATIENT_S = 60  # a busy machine may take long
PATIENT = {"socket_timeout": PATIENT_S, "socket_connect_timeout": PATIENT_S}


async def claim(store, chat_id, now=NOW):
    return await store.claim(chat_id, now=now, lease_s=LEASE_S)


async def put(store, chat_id, body=b"body", *, now=NOW, status="OPEN", **times):
    """Claim and commit."""
    return await store.commit(
        await claim(store, chat_id, now), body, now=now, status=status, **times
    )


async def keys_of(client, prefix):
    return sorted([key async for key in client.scan_iter(match=f"{prefix}:*", count=1_000)])
