"""How the channel listens to a Bolt app, and when Slack gets its acknowledgement.

Bolt tries listeners in the order in which they were registered. Ours answer as listener middleware
does: with a response, where the event was for us, and with none, where other listeners are to be
tried. So Bolt waits for the acknowledgement that we give. Importing this needs slack_bolt.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from dialogs.errors import StoreError, UsageError

logger = logging.getLogger("dialogs")

RETRIES_S = (1.0, 5.0, 25.0)
"""When a turn that the store failed is tried again, after Slack was told that all is well."""

Work = Callable[[], Coroutine[Any, Any, None]]
"""Takes the turn of an event; may be called again where the store failed."""

Judge = Callable[[AsyncBoltRequest], Work | bool]
"""What an event is to us: work, nothing to be done (True), or somebody else's (False)."""


class Acknowledging:
    """Takes turns, and acknowledges their events when they are done, or in time.

    Args:
        within_s: how long an acknowledgement may wait for its turn, in seconds.
    """

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        self._tasks: set[asyncio.Task[None]] = set()

    async def settle(self) -> None:
        """Wait for the turns that are under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def take(self, work: Work) -> BoltResponse:
        """Take a turn.

        Returns:
            What Slack gets: 200 once the turn is done, however it ended, and also where it takes
            longer; 503, after which Slack sends the event again, where the store failed.
        """
        task = self._in_background(work())
        done, _ = await asyncio.wait((task,), timeout=self.within_s)
        if not done:
            self._in_background(self._insist(task, work))
            return acknowledgement()
        try:
            task.result()
        except StoreError as error:
            logger.warning("A message from Slack was not taken, and is to come again: %s", error)
            return BoltResponse(status=503, body="")
        except Exception:
            logger.exception("A message from Slack led to an error.")
        return acknowledgement()

    async def _insist(self, task: asyncio.Task[None], work: Work) -> None:
        """See a turn through whose event was acknowledged: nobody sends it again."""
        for delay in (*RETRIES_S, None):
            try:
                await task
            except StoreError as error:
                if delay is None:
                    logger.error("A message from Slack was lost: %s", error)  # noqa: TRY400
                    return
            except Exception:
                logger.exception("A message from Slack led to an error.")
                return
            else:
                return
            await asyncio.sleep(delay)
            task = self._in_background(work())

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # A task of its own: the turn goes on where Slack hangs up.
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Listening(AsyncMiddleware):
    """Listener middleware that takes what is ours."""

    def __init__(self, judge: Judge, acknowledging: Acknowledging) -> None:
        self._judge = judge
        self._acknowledging = acknowledging

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - Bolt's signature
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002, ARG002 - the same
    ) -> BoltResponse | None:
        work = self._judge(req)
        if isinstance(work, bool):
            return acknowledgement() if work else None
        return await self._acknowledging.take(work)


def acknowledgement() -> BoltResponse:
    """What tells Slack that an event has arrived."""
    return BoltResponse(status=200, body="")


def listen(app: AsyncApp, messages: Judge, actions: Judge, acknowledging: Acknowledging) -> None:
    """Register our listeners.

    Args:
        app: the Bolt app.
        messages: judges `message` and `app_mention` events.
        actions: judges presses of buttons, and the use of other components.
        acknowledging: takes the turns.

    Raises:
        UsageError: it is no `AsyncApp`.
    """
    if not isinstance(app, AsyncApp):
        raise UsageError(
            f"SlackChannel was given {type(app).__name__}, which is no AsyncApp.",
            "It takes turns of asyncio, for which Bolt has an app of its own.",
            "Make it with: from slack_bolt.async_app import AsyncApp.",
        )
    spoken = _Listening(messages, acknowledging)
    for event in ("message", "app_mention"):
        app.event(event, middleware=[spoken])(_never_called)
    used = _Listening(actions, acknowledging)
    app.block_action(re.compile(".*", re.DOTALL), middleware=[used])(_never_called)


async def _never_called() -> None:
    """Stands where Bolt wants a listener: our middleware never lets one be called."""
