"""Conversations that start from the bytes alone at every turn."""

import pytest

from dialogs import (
    ReplayError,
    run_gen_dialog,
)


def talk(dialog, kept, *responses, fallback=None):
    """Give a conversation one response after another; the result of the last.

    Each turn starts from the log's bytes alone.
    """
    for response in responses:
        kept.log = None if kept.log is None else bytes(bytearray(kept.log))
        result = run_gen_dialog(dialog, kept, response, fallback)
    return result


def refused(dialog, kept, response="go on"):
    """The ReplayError of the next turn, which left the log as it was."""
    before = kept.log
    with pytest.raises(ReplayError) as caught:
        run_gen_dialog(dialog, kept, response)
    assert kept.log == before
    return caught.value
