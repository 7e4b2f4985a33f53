"""A Slack of the tests' own: its Web API over HTTP, its Socket Mode, and its signed events.

Bolt and slack_sdk talk to it unmodified. It is as strict as Slack about what it accepts, keeps what
was posted, and shows it as people see it. The app is the one of the example's manifest: without a
scope it may not call, without a subscription it hears nothing.
"""

import asyncio
import itertools
import json
import re
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import yaml
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

TOKEN = "xoxb-the-bot"
APP_TOKEN = "xapp-1-the-app"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TEAM, BOT, BOT_ID = "T0TEAM", "U0BOT", "B0BOT"

MANIFEST = yaml.safe_load(
    (Path(__file__).parents[3] / "examples/slack_bot/manifest.yaml").read_text("utf-8")
)
SCOPES = MANIFEST["oauth_config"]["scopes"]["bot"]
SUBSCRIBED = MANIFEST["settings"]["event_subscriptions"]["bot_events"]

NEEDED = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "conversations.open": "im:write",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
}
"""The scope that a method needs; those that read a history need that of the place."""

HEARD = {"im": "im:history", "channel": "channels:history", "group": "groups:history"}
HEARD["mpim"] = "mpim:history"
"""The scope that messages need to be heard, and to be read, by the kind of their place."""


class FakeSlack:
    """The platform.

    Attributes:
        url: where its Web API is, with a slash at its end.
        events_url: where it sends events to; None: nowhere.
        channels: all that stands in each channel, in order.
        ephemeral: what only one person was told: channel, person, message.
        uploads: files by their ids.
        calls: every call of a method: its name and its arguments.
        faults: what goes wrong at the next call of a method, see `fail`.
        scopes: what the app may do.
        connections: the connections that calls came over.
        acks: the status of each event's answer, and how long it took, in seconds.
    """

    def __init__(self):
        self.url = ""
        self.events_url = None
        self.channels = {"C0GENERAL": [], "C0RANDOM": []}
        self.ephemeral = []
        self.uploads = {}
        self.calls = []
        self.connections = set()
        self.faults = defaultdict(list)
        self.scopes = set(SCOPES)
        self.acks = []
        self.sockets = []
        self._count = itertools.count(1)
        self._acknowledged = {}
        self._closing = asyncio.Event()
        self._runner = None
        self._client = None

    # --- life ---------------------------------------------------------------------------------

    async def __aenter__(self):
        server = web.Application(client_max_size=10**8)
        server.router.add_post("/api/{method}", self._api)
        server.router.add_get("/api/{method}", self._api)
        server.router.add_post("/upload/{id}", self._upload)
        server.router.add_get("/link", self._link)
        self._runner = web.AppRunner(server)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self.url = f"http://{self.address}/api/"
        self._client = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *exc):
        self._closing.set()
        for socket in self.sockets:
            await socket.close()
        await self._client.close()
        await self._runner.cleanup()

    def ts(self):
        """The next time stamp, which names a message in its channel."""
        return f"1700000000.{next(self._count):06}"

    def direct(self, user):
        """The direct message between a person and the bot."""
        channel = "D" + user.removeprefix("U")
        self.channels.setdefault(channel, [])
        return channel

    # --- the Web API --------------------------------------------------------------------------

    def fail(self, method, *faults):
        """Let the next calls of a method fail: one fault each.

        A fault is an error of Slack's by its name; a number of seconds for a rate limit; "hang",
        where no answer comes; "500"; "lost", where it is done and the answer is lost; None, where
        all is well.
        """
        self.faults[method] += faults

    def count(self, method):
        return sum(called == method for called, _ in self.calls)

    async def _api(self, request):
        method = request.match_info["method"]
        if request.content_type == "application/json":
            arguments = await request.json()
        else:
            arguments = {**await request.post(), **request.query}
        self.calls.append((method, arguments))
        self.connections.add(request.transport.get_extra_info("peername"))
        fault = self.faults[method].pop(0) if self.faults[method] else None
        match fault:
            case None | "lost":
                pass
            case int() | float():
                error = {"ok": False, "error": "ratelimited"}
                return web.json_response(error, status=429, headers={"Retry-After": str(fault)})
            case "hang":
                await self._closing.wait()
                return web.Response(status=500)
            case "500":
                return web.Response(status=500, text="<html>no JSON</html>")
            case _:
                return web.json_response({"ok": False, "error": fault})
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        wanted = APP_TOKEN if method == "apps.connections.open" else TOKEN
        if token != wanted:
            return web.json_response({"ok": False, "error": "invalid_auth"})
        needed = NEEDED.get(method)
        if method in ("conversations.history", "conversations.replies"):
            needed = HEARD["im" if arguments["channel"].startswith("D") else "channel"]
        if needed and needed not in self.scopes:
            error = {"ok": False, "error": "missing_scope", "needed": needed}
            return web.json_response(error)
        answer = getattr(self, "do_" + snake(method))(arguments)
        if fault == "lost":
            return web.Response(status=500, text="lost")
        if isinstance(answer, str):
            return web.json_response({"ok": False, "error": answer})
        return web.json_response({"ok": True, **answer})

    def do_auth_test(self, arguments):
        return {"team_id": TEAM, "user_id": BOT, "bot_id": BOT_ID, "team": "t", "user": "bot"}

    def do_chat_post_message(self, arguments):
        error = wrong(arguments)
        channel = arguments.get("channel")
        if channel not in self.channels:
            error = "channel_not_found"
        if error:
            return error
        message = {
            "type": "message",
            "ts": self.ts(),
            "user": BOT,
            "bot_id": BOT_ID,
            **{key: arguments[key] for key in KEPT if arguments.get(key) is not None},
        }
        self.channels[channel].append(message)
        return {"channel": channel, "ts": message["ts"], "message": message}

    def do_chat_update(self, arguments):
        found = self.find(arguments["channel"], arguments["ts"])
        error = "message_not_found" if found is None else wrong(arguments)
        if error:
            return error
        found.setdefault("before", []).append(dict(found))
        found |= {key: arguments[key] for key in ("text", "blocks")}
        return {"channel": arguments["channel"], "ts": found["ts"]}

    def do_chat_post_ephemeral(self, arguments):
        if arguments["channel"] not in self.channels:
            return "channel_not_found"
        if wrong(arguments):
            return wrong(arguments)
        self.ephemeral.append((arguments["channel"], arguments["user"], arguments))
        return {"message_ts": self.ts()}

    def do_conversations_open(self, arguments):
        if not str(arguments["users"]).startswith("U"):
            return "user_not_found"
        return {"channel": {"id": self.direct(arguments["users"])}}

    def do_conversations_history(self, arguments):
        if arguments["channel"] not in self.channels:
            return "channel_not_found"
        messages = self.channels[arguments["channel"]]
        top = [each for each in messages if each.get("thread_ts", each["ts"]) == each["ts"]]
        return self._page(list(reversed(top)), arguments)

    def do_conversations_replies(self, arguments):
        if arguments["channel"] not in self.channels:
            return "channel_not_found"
        messages = self.channels[arguments["channel"]]
        thread = [
            each for each in messages if arguments["ts"] in (each["ts"], each.get("thread_ts"))
        ]
        return self._page(thread, arguments)

    def _page(self, messages, arguments):
        start, limit = int(arguments.get("cursor") or 0), int(arguments.get("limit", 100))
        more = start + limit < len(messages)
        page = [dict(each) for each in messages[start : start + limit]]
        if str(arguments.get("include_all_metadata")) not in ("1", "True", "true"):
            for each in page:
                each.pop("metadata", None)
        cursor = str(start + limit) if more else ""
        return {"messages": page, "response_metadata": {"next_cursor": cursor}}

    def do_files_get_upload_url_external(self, arguments):
        name = f"F{next(self._count)}"
        self.uploads[name] = {"name": arguments["filename"], "length": int(arguments["length"])}
        return {"file_id": name, "upload_url": f"http://{self.address}/upload/{name}"}

    async def _upload(self, request):
        self.uploads[request.match_info["id"]]["content"] = await request.read()
        return web.Response(text="OK")

    def do_files_complete_upload_external(self, arguments):
        files = arguments["files"]
        files = json.loads(files) if isinstance(files, str) else files
        channel = arguments["channel_id"]
        if channel not in self.channels:
            return "channel_not_found"
        shared = [self.uploads[each["id"]] for each in files]
        message = {"type": "message", "ts": self.ts(), "user": BOT, "text": "", "files": shared}
        if arguments.get("thread_ts"):
            message["thread_ts"] = arguments["thread_ts"]
        self.channels[channel].append(message)
        return {"files": files}

    # --- Socket Mode --------------------------------------------------------------------------

    def do_apps_connections_open(self, arguments):
        return {"url": f"ws://{self.address}/link"}

    async def _link(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json({"type": "hello", "num_connections": 1})
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT and message.data.startswith("{"):
                envelope = json.loads(message.data).get("envelope_id")
                if envelope in self._acknowledged:
                    self._acknowledged.pop(envelope).set_result(None)
        return socket

    async def through_socket(self, kind, payload):
        """Send an envelope of Socket Mode, and wait until it was acknowledged."""
        envelope = f"envelope-{next(self._count)}"
        done = self._acknowledged[envelope] = asyncio.get_running_loop().create_future()
        await self.sockets[-1].send_json(
            {
                "type": kind,
                "envelope_id": envelope,
                "payload": payload,
                "accepts_response_payload": False,
            }
        )
        await asyncio.wait_for(done, 10)

    # --- events -------------------------------------------------------------------------------

    async def send(self, body, *, retry=None):
        """Send an event as JSON, or an interaction as a form; returns the status of the answer.

        None: the app is not subscribed to such events.
        """
        event = body.get("event")
        if event and not self._is_subscribed(event):
            return None
        if body.get("type") == "block_actions":
            kind, data = (
                "application/x-www-form-urlencoded",
                urlencode({"payload": json.dumps(body)}),
            )
        else:
            kind, data = "application/json", json.dumps(body)
        headers = {"Content-Type": kind, **signed(data)}
        if retry is not None:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        began = time.monotonic()
        status, _ = await self.post(data, headers)
        self.acks.append((status, time.monotonic() - began))
        return status

    def _is_subscribed(self, event):
        if event["type"] == "app_mention":
            return "app_mention" in SUBSCRIBED and "app_mentions:read" in self.scopes
        kind = event.get("channel_type", "channel")
        name = "message." + {"im": "im", "mpim": "mpim"}.get(kind, f"{kind}s")
        return name in SUBSCRIBED and HEARD[kind] in self.scopes

    async def post(self, data, headers):
        """Post to where events go; returns the status and the text."""
        async with self._client.post(self.events_url, data=data, headers=headers) as answer:
            return answer.status, await answer.text()

    # --- looking ------------------------------------------------------------------------------

    def find(self, channel, ts):
        return next((each for each in self.channels.get(channel, ()) if each["ts"] == ts), None)

    def in_thread(self, channel, thread):
        """What stands in a thread, or ("") in a channel outside of its threads."""
        return [
            each
            for each in self.channels[channel]
            if each.get("thread_ts", "") == thread or each["ts"] == thread
        ]


KEPT = ("text", "blocks", "thread_ts", "metadata", "mrkdwn")


def snake(method):
    """The name of a method, as Python writes names."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=L)(?=External)", "_", method.replace(".", "_")).lower()


def signed(data, secret=SECRET, at=None):
    """The headers that prove that Slack sent some data."""
    timestamp = str(int(time.time()) if at is None else at)
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=data)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}


# --- what Slack refuses -----------------------------------------------------------------------


def wrong(arguments):
    """What is wrong with a message; None where nothing is."""
    text, blocks = arguments.get("text") or "", arguments.get("blocks") or []
    if not text.strip() and not blocks:
        return "no_text"
    if len(text) > 4000:
        return "msg_too_long"  # Slack cuts at 40,000, and the tests want nothing cut
    if re.search(r"&(?!amp;|lt;|gt;)|[\x00-\x08\ud800-\udfff]", text):
        return "invalid_text"
    if len(blocks) > 50:
        return "invalid_blocks"
    if sum(map(len, re.findall(r'"text": "((?:[^"\\]|\\.)*)"', json.dumps(blocks)))) > 11_300:
        return "msg_blocks_too_long"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)) or not all(map(_sound, blocks)):
        return "invalid_blocks"
    metadata = arguments.get("metadata")
    if metadata and not isinstance(metadata.get("event_payload"), dict):
        return "invalid_metadata_format"
    return None


def _sound(block):
    match block["type"]:
        case "section":
            return 1 <= len(block["text"]["text"]) <= 3000
        case "actions":
            elements = block["elements"]
            ids = [element["action_id"] for element in elements]
            return (
                1 <= len(elements) <= 25 and len(ids) == len(set(ids)) and all(map(_fits, elements))
            )
        case "context":
            return 1 <= len(block["elements"]) <= 10
        case _:
            return True


def _fits(element):
    text = element.get("text")
    return text is None or (1 <= len(text["text"]) <= 75 and text["type"] == "plain_text")


# --- what people see --------------------------------------------------------------------------


def seen(message):
    """A message as people see it."""
    shown = [_seen_block(block) for block in message.get("blocks") or ()]
    if not shown:
        shown = [_seen_text({"type": "mrkdwn", **message})]
    shown += [file["name"] for file in message.get("files") or ()]
    return "\n".join(shown)


def _seen_block(block):
    parts = [block["text"]] if "text" in block else []
    parts += [element.get("text", element) for element in block.get("elements", ())]
    return "\n".join(_seen_text(part) if isinstance(part, dict) else part for part in parts)


def _seen_text(part):
    text = part.get("text") or ""
    if not isinstance(text, str):
        return _seen_text(text)
    if part.get("type") == "plain_text":
        return text
    if part.get("mrkdwn", True) is not False:
        text = re.sub(r"\B\*(\S[^*\n]*)\*\B", r"BOLD(\1)", text)
    text = re.sub(r"<(https?://[^|>]*)\|([^>]*)>", r"\2 \1", text)
    text = re.sub(r"<!([a-z]+)>", r"EVERYBODY(\1)", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
