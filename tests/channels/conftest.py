"""How long the channel suite waits here, where the machine may be slow."""

from dialogs.testing.channel_suite import people

people.PATIENCE_S = 60.0
