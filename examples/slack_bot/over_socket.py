"""The bot connects to Slack: Socket Mode, which needs no address that Slack can reach.

python -m examples.slack_bot.over_socket
"""

import asyncio
import os

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from examples.slack_bot.bot import slack_bot


async def main(app: AsyncApp, app_token: str, file: str = "slack_bot.db") -> None:
    channel = slack_bot(app, file)
    async with channel.orchestrator, channel:
        socket = AsyncSocketModeHandler(app, app_token)
        await socket.connect_async()
        try:
            await channel.orchestrator.run_timers()
        finally:
            await socket.close_async()


if __name__ == "__main__":
    asyncio.run(main(AsyncApp(), os.environ["SLACK_APP_TOKEN"]))
