"""People of the tests' Slack: what they type and press becomes events, as Slack sends them."""

import re

from tests.channels.slack.fake_slack import BOT, TEAM, seen


def typed(text):
    """Text as Slack sends what somebody typed: escaped, with links made of addresses."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"https?://[^\s<>]+", lambda found: f"<{found[0]}>", escaped)


def callback(event, event_id="Ev1"):
    """An event as the Events API sends it."""
    return {
        "token": "old",
        "type": "event_callback",
        "team_id": TEAM,
        "api_app_id": "A0APP",
        "event": event,
        "event_id": event_id,
        "event_time": 1700000000,
        "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
    }


class User:
    """Somebody in a direct message with the bot, in a thread, or in a channel.

    Args:
        slack: the `FakeSlack`.
        name: their user id is made of it.
        channel: the channel; None: the direct message with the bot.
        mentions: whether they name the bot each time.
    """

    def __init__(self, slack, name, channel=None, *, mentions=False):
        self.slack = slack
        self.id = "U" + name.upper()
        self.channel = channel or slack.direct(self.id)
        self.mentions = mentions
        self.thread = ""
        self.named = {}

    @property
    def chat_id(self):
        chat_id = f"slack:{TEAM}:{self.channel}"
        return f"{chat_id}:{self.thread}" if self.thread else chat_id

    # --- doing --------------------------------------------------------------------------------

    def message(self, text, **more):
        """The `message` event of something that this person says."""
        ts = self.slack.ts()
        event = {
            "type": "message",
            "client_msg_id": f"client-{ts}",
            "user": self.id,
            "text": text,
            "channel": self.channel,
            "channel_type": "im" if self.channel.startswith("D") else "channel",
            "ts": ts,
            "event_ts": ts,
            "team": TEAM,
        }
        if self.thread:
            event["thread_ts"] = self.thread
        return {**event, **more}

    async def post(self, event, *, event_id=None, retry=None):
        """Let an event of this person happen; returns the status of its acknowledgement."""
        if self.slack.find(event["channel"], event["ts"]) is None:
            self.slack.channels[event["channel"]].append(event)
        return await self.slack.send(callback(event, event_id or f"Ev{event['ts']}"), retry=retry)

    async def arrive(self):
        await self.say("hi")

    async def say(self, text, *, event_id=None):
        if event_id is not None and event_id in self.named:
            await self.post(self.named[event_id], event_id=event_id)
            return
        event = self.message(f"<@{BOT}> {typed(text)}" if self.mentions else typed(text))
        if event_id is not None:
            self.named[event_id] = event
        if self.mentions and not self.thread:
            self.thread = event["ts"]
        await self.post(event, event_id=event_id)

    def buttons(self, label):
        """All buttons with a label that this person was ever shown: message and element."""
        found = []
        for message in self.slack.in_thread(self.channel, self.thread):
            for version in [*message.get("before", ()), message][:1]:
                for block in version.get("blocks") or ():
                    elements = block.get("elements") or ()
                    found += [
                        (message, block, element)
                        for element in elements
                        if element.get("type") == "button" and means(element, label)
                    ]
        return found

    async def press(self, label, which=-1):
        await self.use(*self.buttons(label)[which])

    async def use(self, message, block, element, *, state=None, ephemeral=False, **answer):
        """Use a component of a message; `answer` is what Slack says of it, `state` of all."""
        action = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block.get("block_id", "auto"),
            "action_ts": self.slack.ts(),
            **{key: element[key] for key in ("text", "value") if key in element},
            **answer,
        }
        body = self.interaction(message, action)
        if state is not None:
            body["state"] = state
        if ephemeral:
            body["container"]["is_ephemeral"] = True
            del body["message"]
        return await self.slack.send(body)

    def interaction(self, message, action):
        container = {"type": "message", "message_ts": message["ts"], "channel_id": self.channel}
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        shown = {key: message[key] for key in message if key != "before"}
        return {
            "type": "block_actions",
            "user": {"id": self.id, "team_id": TEAM},
            "team": {"id": TEAM, "domain": "t"},
            "api_app_id": "A0APP",
            "trigger_id": "1.2.3",
            "container": container,
            "channel": {"id": self.channel, "name": "c"},
            "message": shown,
            "actions": [action],
        }

    # --- seeing -------------------------------------------------------------------------------

    def told(self):
        """What only this person was told here."""
        return [
            seen(message)
            for channel, user, message in self.slack.ephemeral
            if (channel, user) == (self.channel, self.id)
        ]

    async def heard(self):
        messages = self.slack.in_thread(self.channel, self.thread)
        return [seen(each) for each in messages if each["user"] == BOT] + self.told()


def means(element, label):
    """Whether a button is the one with this label, which it may show in part, with its number."""
    shown = element["text"]["text"]
    if shown == label:
        return True
    part = re.fullmatch(r"\d+\. (.*)…", shown)
    return part is not None and label.startswith(part[1])
