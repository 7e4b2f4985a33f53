"""Dialogs written once, as text, and compiled in any of the four styles.

A dialog under test is often needed twice, as it was and as it was edited, or once in each style.
Every step stands in «», and `return value` becomes `yield dialog_result(value)` in an async
generator. A text may have several functions: all are dialogs of the same style, and the last one
is given back.

    def greet():
        «send_message("Who is there?")»
        return «get_client_response()»
"""

import re
import textwrap

import pytest

import dialogs

STYLES = ["generator", "coroutine", "async generator", "plain"]
each_style = pytest.mark.parametrize("style", STYLES)

# How a function begins, how a step is performed, and how a value is returned.
_FORMS = {
    "generator": ("def", r"(yield \1)", r"return \1"),
    "coroutine": ("async def", r"(await \1)", r"return \1"),
    "async generator": ("async def", r"(yield \1)", r"yield dialog_result((\1))"),
    "plain": ("def", r"run(\1)", r"return \1"),
}
_PUBLIC = {name: getattr(dialogs, name) for name in dialogs.__all__}


def written(text, style="generator", *, version="1.0", file="shop.py", **names):
    """The last dialog of a text, in one of the four styles.

    Args:
        text: its source, indented as it likes; its first line is line 1 of the file.
        style: one of STYLES.
        version: the version of all its dialogs.
        file: what errors shall call its file.
        **names: what the text uses besides the public names of `dialogs`.
    """
    text = textwrap.dedent(text).strip()
    begin, perform, give_back = _FORMS[style]
    source = re.sub(r"(?m)^def ", f"{begin} ", text)
    source = re.sub(r"(?m)\breturn (.+)$", give_back, source)
    source = re.sub("«(.*?)»", perform, source)
    scope = {"__name__": "shop", **_PUBLIC, **names}
    exec(compile(source, file, "exec"), scope)
    functions = re.findall(r"(?m)^def (\w+)", text)
    for name in functions:
        scope[name] = dialogs.dialog(version=version)(scope[name])
    return scope[functions[-1]]
