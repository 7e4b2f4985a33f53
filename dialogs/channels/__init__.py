"""Channels: how people and conversations meet. `base` says what each of them does."""

from dialogs.channels.base import Channel, Incoming

__all__ = ["Channel", "Incoming"]
