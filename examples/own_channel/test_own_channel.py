import asyncio
import contextlib
import re

import pytest

from dialogs.testing.channel_suite import ChannelSuite
from examples.own_channel.lines import Lines


class Caller:
    """Somebody with a terminal program, who is connected while the test runs."""

    def __init__(self, name, port):
        self.chat_id = f"lines:{name}"
        self.name = name
        self.port = port
        self.received = b""

    async def arrive(self):
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.receiving = asyncio.ensure_future(self.receive(reader))
        await self.say(self.name)

    async def receive(self, reader):
        while chunk := await reader.read(65_536):
            self.received += chunk

    async def say(self, text, *, event_id=None):  # noqa: ARG002 - no line is repeated
        self.writer.write(f"{text}\r\n".encode())

    async def press(self, label, which=-1):
        shown = "\n".join(await self.heard())
        numbers = re.findall(rf"^  (\d+)\. {re.escape(label)}$", shown, re.MULTILINE)
        await self.say(numbers[which])

    async def heard(self):
        return self.received.decode(errors="ignore").splitlines()

    async def leave(self):
        self.writer.close()
        await self.receiving


class TestLines(ChannelSuite):
    @pytest.fixture
    async def port(self, channel):
        async with await asyncio.start_server(channel.converse, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1]

    @pytest.fixture
    def channel(self, orchestrator):
        return Lines(orchestrator)

    @pytest.fixture
    async def meet(self, port):
        async with contextlib.AsyncExitStack() as callers:

            def meet(name):
                caller = Caller(name, port)
                callers.push_async_callback(caller.leave)
                return caller

            yield meet

    @pytest.fixture
    def events_have_ids(self):
        return False

    @pytest.fixture
    def buttons_stay(self):
        return False

    @pytest.mark.parametrize("name", ["x" * 300, "\0\0", "", "y" * 70_000])
    async def test_a_name_that_is_none_and_a_line_without_end_harm_nobody(self, port, name, caplog):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.readline() == b"Your name?\n"
        writer.write(f"{name}\n".encode())
        await reader.readline()
        writer.write(b"y" * 70_000 + b"\n")
        await reader.read()  # to the end: the connection was closed
        writer.close()
        assert not caplog.records
