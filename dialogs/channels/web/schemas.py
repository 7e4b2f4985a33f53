"""What goes over the wire, in both directions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

Id = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]


def _as_number(value: Any) -> Any:
    # To JSON, 1.0 is an integer, while True and "1" are none.
    return None if isinstance(value, bool | str) else value


Number = Annotated[int, Field(strict=False, ge=0, lt=2**53), BeforeValidator(_as_number)]


class Strict(BaseModel):
    """What clients send: no fields that nobody knows."""

    model_config = ConfigDict(extra="forbid", strict=True)


# --- in ---------------------------------------------------------------------------------------


class Press(Strict):
    """A button: that of a message."""

    message: Number = Field(description="The number of the message that it stands under.")
    index: Number = Field(description="Which of its buttons, from 0.")


_EITHER: list[JsonValue] = [
    {"required": ["text"], "properties": {"text": {"type": "string"}, "button": {"type": "null"}}},
    {
        "required": ["button"],
        "properties": {"button": {"type": "object"}, "text": {"type": "null"}},
    },
]


class Saying(Strict):
    """What the client says: a text, or a pressed button."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _EITHER})

    text: str | None = Field(default=None, min_length=1, description="A typed message.")
    button: Press | None = Field(default=None, description="A pressed button.")
    message_id: Id | None = Field(
        default=None, description="The same id again gets the same answer, and runs nothing."
    )
    in_reply_to: Id | None = Field(
        default=None,
        description="The prompt, or the number of the message, that it answers. "
        "A pressed button answers its own message.",
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Saying:
        if (self.text is None) == (self.button is None):
            raise ValueError("give either a text or a button")
        return self


class Hello(Strict):
    """The first frame of a socket; without a token, it opens a new conversation."""

    type: Literal["hello"]
    token: str | None = Field(default=None, max_length=2000)
    after: Number = 0


class Say(Saying):
    """A message, over a socket; it has to have an id."""

    type: Literal["message"]
    message_id: Id


class Begin(Strict):
    """Begins the next run where none is open, with one of the roots that the app gives clients."""

    type: Literal["start"]
    root: Id | None = None


class Watch(Strict):
    """Asks for a view of the conversation: as it is, and again whenever it has changed."""

    type: Literal["watch"]
    view: Id


class Ping(Strict):
    """A sign of life; it is answered with a pong."""

    type: Literal["ping"]


Frame = Annotated[Say | Begin | Watch | Ping, Field(discriminator="type")]


# --- out --------------------------------------------------------------------------------------


class ButtonOut(BaseModel):
    """A ready-made answer; what it stands for stays on the server."""

    index: int
    label: str


class AttachmentOut(BaseModel):
    """A file."""

    name: str
    media_type: str
    url: str | None = Field(description="Where it is: an http(s) address, or a path of this site.")
    file: str | None = Field(
        description="Or, relative to this API: fetch it with the token, as any other resource."
    )


class Entry(BaseModel):
    """One message of the transcript."""

    number: int | None = Field(description="Rises with every message; null: it is not kept.")
    by_client: bool
    at: float | None = Field(description="When it was said, in UTC seconds.")
    text: str
    buttons: list[ButtonOut] = []
    attachments: list[AttachmentOut] = []
    data: Any = None


class Standing(BaseModel):
    """Where a conversation stands."""

    status: Literal[
        "INITIATED",
        "WAITING_FOR_RESPONSE",
        "PROCESSING",
        "COMPLETED",
        "TIMED_OUT",
        "CANCELLED",
        "ERROR",
    ]
    prompt: str | None = Field(description="Names the open question, for in_reply_to.")
    waiting: Literal["response", "signal", "time"] | None = Field(
        description="What the dialog waits for."
    )
    wake_at: float | None = Field(description="When its patience ends, in UTC seconds.")
    answerable: list[int] = Field(description="The numbers of the messages of the open question.")


class ConversationOut(Standing):
    """A conversation."""

    id: str
    messages: list[Entry] = Field(description="The last messages of both sides, oldest first.")


class TurnOut(Standing):
    """What came of a message."""

    messages: list[Entry] = Field(description="What was said to it.")
    duplicate: bool = Field(description="The message_id was seen before; nothing ran.")
    stale: bool = Field(description="It answers a question that is over; nothing ran.")


class Started(BaseModel):
    """A conversation that was started, or found."""

    id: str
    token: str = Field(
        description="Opens this conversation. Where the site has its own sign-in, it only opens "
        "a socket, within a minute."
    )
    expires_in: int = Field(description="For how long the token holds, in seconds.")
    turn: TurnOut


class Health(BaseModel):
    """The server answers, and so does its store."""

    status: Literal["ok"]


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What happened.")
    why: str
    remedy: str = Field(description="What to do about it.")
    retry_after: float | None = Field(default=None, description="In seconds.")
    errors: list[dict[str, Any]] | None = Field(
        default=None, description="Where the request is wrong."
    )
