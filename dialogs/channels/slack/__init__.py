"""Slack: conversations in threads, direct messages and channels, over a slack_bolt app.

`SlackChannel` needs the extra "slack"; the rest is plain data.
"""

from dialogs.channels.slack.channel import SlackChannel
from dialogs.channels.slack.places import Heard, Kind, Place, as_message, as_text

__all__ = ["Heard", "Kind", "Place", "SlackChannel", "as_message", "as_text"]
