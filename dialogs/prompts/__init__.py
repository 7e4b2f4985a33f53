"""Questions that insist on an answer: `ask`, `choose`, `confirm` and `form`.

A prompt is a dialog made of steps. While it waits it has a frame of its own, and when it is done
one record is left of it, however often it had to ask. A prompt is known by its question, or by
its `name`: two prompts that change places in the code under an open conversation are noticed. Its
other words may change at any time.

What a prompt says comes from its author, and what it gets from the client: nothing here performs
anything.
"""

from dialogs.prompts.forms import form
from dialogs.prompts.insisting import NoValidAnswer
from dialogs.prompts.questions import ask, choose, confirm

__all__ = ["NoValidAnswer", "ask", "choose", "confirm", "form"]
