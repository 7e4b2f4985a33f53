"""Which client talks to which workspace, over connections that stay open."""

from __future__ import annotations

from typing import Any

from dialogs.errors import ChannelError


class WorkspaceClients:
    """The Web API clients of a Bolt app, one a workspace.

    Between `open` and `close` they share a pool of connections; otherwise each call connects anew,
    as is the custom of Slack's client.

    Args:
        app: the `AsyncApp`.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._organizations: dict[str, tuple[str | None, bool]] = {}

    def learn(self, team: str, organization: str | None, *, is_installed_there: bool) -> None:
        """Learn from an event under which names the installation store has a workspace.

        Args:
            team: the workspace.
            organization: the organization of Enterprise Grid that it is in; None: none.
            is_installed_there: whether the app is installed for the whole organization.
        """
        self._organizations[team] = (organization, is_installed_there)

    async def open(self) -> None:
        """Open the pool of connections."""
        from aiohttp import ClientSession  # noqa: PLC0415 - an extra

        if self._session is None and self._app.client.session is None:
            trust = self._app.client.trust_env_in_session
            self._session = ClientSession(trust_env=trust)

    async def close(self) -> None:
        """Close the pool."""
        session, self._session = self._session, None
        self._clients.clear()
        if session is not None:
            await session.close()

    async def __call__(self, team: str) -> Any:
        """The client of a workspace, with its bot's token.

        Raises:
            ChannelError: the app is not installed there.
        """
        installations = self._app.installation_store
        if installations is None:
            return self._with_token(self._app.client.token)
        # Asked each time: tokens change, and apps are removed.
        organization, is_installed_there = self._organizations.get(team, (None, False))
        bot = await installations.async_find_bot(
            enterprise_id=organization, team_id=team, is_enterprise_install=is_installed_there
        )
        if bot is None:
            raise ChannelError(
                f"The Slack app is not installed in the workspace {team}.",
                "The installation store has no bot for it. Workspaces of an organization are found "
                "once an event came from them.",
                "Install the app there again.",
                permanent=team in self._organizations,
            )
        return self._with_token(bot.bot_token)

    def _with_token(self, token: str) -> Any:
        client = self._app.client
        if client.session is not None and client.token == token:
            return client
        if token not in self._clients or self._session is None:
            self._clients[token] = type(client)(
                token=token,
                base_url=client.base_url,
                timeout=client.timeout,
                ssl=client.ssl,
                proxy=client.proxy,
                session=client.session or self._session,
                trust_env_in_session=client.trust_env_in_session,
                headers={**client.headers},
                logger=client.logger,
                retry_handlers=client.retry_handlers,
            )
        return self._clients[token]
