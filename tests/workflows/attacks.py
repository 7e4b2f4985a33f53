"""Attacks on inline code, as data: what somebody writes who wants more than a sandbox gives.

`REFUSED` do not get past the inspection. `CONTAINED` do, and get no further than the sandbox.
A body is put into `def start(chat_id, user_input, context, sender):`, from line 2 on; what begins
with "whole:" is a source of its own.
"""

from __future__ import annotations

from textwrap import indent
from typing import NamedTuple

ANY_LINE = 0
HEADER = "def start(chat_id, user_input, context, sender):\n"


class Refused(NamedTuple):
    """An attack that the inspection refuses.

    Attributes:
        body: the attack.
        line: the line that the error names; `ANY_LINE` where Pythons differ.
        reason: words of the error.
    """

    body: str
    line: int
    reason: str


class Contained(NamedTuple):
    """An attack that runs, and gets nowhere.

    Attributes:
        body: the attack.
        outcome: the type of the sandbox's error; or "returns", where it ends with plain data
            that must have nothing of the host.
    """

    body: str
    outcome: str


def source_of(body: str) -> str:
    """The source of an attack."""
    if body.startswith("whole:"):
        return body.removeprefix("whole:")
    return HEADER + indent(body, "    ") + "\n"


def whole(source: str) -> str:
    return "whole:" + source


_DUNDER = "a dunder"
_TEXT = "a text names a dunder"

REFUSED: list[Refused] = [
    # --- modules
    Refused("import os\nreturn os.environ", 2, "imports"),
    Refused("import sys as s\nreturn s.modules", 2, "imports"),
    Refused("from os import environ as e\nreturn e", 2, "imports"),
    Refused("from subprocess import *", 2, "imports"),
    Refused("x = 1\nimport socket", 3, "imports"),
    Refused("if False:\n    import ctypes", 3, "imports"),
    Refused("try:\n    pass\nexcept:\n    import pickle", 5, "imports"),
    Refused("from . import secrets", 2, "imports"),
    Refused("def inner():\n    import os\ninner()", 3, "imports"),
    Refused("return __import__('os').system('id')", 2, _DUNDER),
    Refused("return __builtins__['open']", 2, _DUNDER),
    Refused("return __loader__", 2, _DUNDER),
    Refused("return importlib.import_module('os')", 2, "importlib"),
    Refused("return builtins.open", 2, "'open'"),
    Refused("return os.environ", 2, "'os'"),
    Refused("return sys.modules['os']", 2, "'sys'"),
    Refused("return subprocess.run(['id'])", 2, "'subprocess'"),
    Refused("os = 1\nreturn os", 2, "'os'"),
    Refused("for sys in [1]:\n    pass", 2, "'sys'"),
    Refused("return [os for os in [1]]", 2, "'os'"),
    Refused("return (lambda os: os)(1)", 2, "'os'"),
    Refused("def os(): pass", 2, "'os'"),
    Refused("try:\n    1/0\nexcept Exception as os:\n    pass", 4, "'os'"),
    Refused("return dict(subprocess=1)", 2, "'subprocess'"),
    Refused("match 1:\n    case sys:\n        pass", 3, "'sys'"),
    Refused("return context.os", 2, "'os'"),
    Refused("return \uff4f\uff53.environ", 2, "'os'"),  # full-width letters: to Python the same
    Refused("return \U0001d4ee\U0001d4ff\U0001d4ea\U0001d4f5('1')", 2, "'eval'"),
    # --- code from text
    Refused("return eval('1')", 2, "'eval'"),
    Refused("exec('x = 1')", 2, "'exec'"),
    Refused("e = eval\nreturn e('1')", 2, "'eval'"),
    Refused("return compile('1', '', 'eval')", 2, "'compile'"),
    Refused("return open('/etc/passwd').read()", 2, "'open'"),
    Refused("with open('/etc/passwd') as f:\n    return f.read()", 2, "`with`"),
    Refused("return [open][0]('/etc/passwd')", 2, "'open'"),
    Refused("return (lambda o=open: o)()('/etc/passwd')", 2, "a default computes"),
    Refused("return globals()", 2, "'globals'"),
    Refused("return locals()", 2, "'locals'"),
    Refused("return vars(sender)", 2, "'vars'"),
    Refused("return dir(sender)", 2, "'dir'"),
    Refused("return getattr(sender, 'x')", 2, "'getattr'"),
    Refused("setattr(sender, 'x', 1)", 2, "'setattr'"),
    Refused("delattr(sender, 'x')", 2, "'delattr'"),
    Refused("breakpoint()", 2, "'breakpoint'"),
    Refused("return input('password?')", 2, "'input'"),
    Refused("return memoryview(b'x')", 2, "'memoryview'"),
    Refused("return object()", 2, "'object'"),
    # --- walks by attribute
    Refused("return ().__class__", 2, _DUNDER),
    Refused("return ().__class__.__bases__[0].__subclasses__()", 2, _DUNDER),
    Refused("return ''.__class__.__mro__[1]", 2, _DUNDER),
    Refused("return str.mro()", 2, "'mro'"),
    Refused("return start.__globals__", 2, _DUNDER),
    Refused("return start.__code__.co_consts", 2, "'co_consts'"),
    Refused("return start.__closure__", 2, _DUNDER),
    Refused("return start.__defaults__", 2, _DUNDER),
    Refused("start.__code__ = None", 2, _DUNDER),
    Refused("return sender.__dict__", 2, _DUNDER),
    Refused("return sender.send_message.__func__", 2, _DUNDER),
    Refused("return sender.send_message.__self__", 2, _DUNDER),
    Refused("return type(sender).__init__", 2, _DUNDER),
    Refused("sender.__class__ = int", 2, _DUNDER),
    Refused("del sender.__class__", 2, "`del`"),
    Refused("return [].__reduce_ex__(2)", 2, _DUNDER),
    Refused("return context.__class_getitem__", 2, _DUNDER),
    Refused("return __messages__", 2, _DUNDER),
    Refused("return __Sender__", 2, _DUNDER),
    Refused("return __fault_of__", 2, _DUNDER),
    Refused("__fault_of__ = lambda *a: None", 2, _DUNDER),
    Refused("def __fault_of__(*a): return None", 2, _DUNDER),
    Refused("__chat_id__ = 'somebody else'", 2, _DUNDER),
    Refused("nonlocal __messages__", 2, _DUNDER),
    Refused("return dict(__class__=1)", 2, _DUNDER),
    Refused("for __messages__ in [1]: pass", 2, _DUNDER),
    Refused("return [__x for __x in [1]]", 2, _DUNDER),
    Refused("(__messages__ := [])", 2, _DUNDER),
    Refused("match sender:\n    case {'a': __messages__}:\n        pass", 3, _DUNDER),
    Refused("match sender:\n    case object(x=y):\n        pass", 3, "MatchClass"),
    Refused("x: __import__('os') = 1", 2, "an annotation computes"),
    Refused("x: print('!') = 1", 2, "an annotation computes"),
    Refused("def inner(x: print('!')): pass", 2, "an annotation computes"),
    Refused("def inner() -> print('!'): pass", 2, "an annotation computes"),
    # --- names of attributes in texts
    Refused("return '{0.__class__}'.format(1)", 2, _TEXT),
    Refused("return '{0.__init__.__globals__}'.format(sender)", 2, _TEXT),
    Refused("return '{x.__class__}'.format_map({'x': 1})", 2, ""),
    Refused("return 'x'.format_map(context)", 2, "'format_map'"),
    Refused("return f'{sender.__class__}'", 2, _DUNDER),
    Refused("return f'{().__class__.__bases__}'", 2, _DUNDER),
    Refused("return f'{open}'", 2, "'open'"),
    Refused("return context['__class__']", 2, _TEXT),
    Refused("return '__' '__class__' '__'", 2, _TEXT),
    Refused(r"return '\x5f\x5fclass\x5f\x5f'", 2, _TEXT),
    Refused(r"return '\N{LOW LINE}_globals__'", 2, _TEXT),
    # --- frames, generators, tracebacks
    Refused("g = (x for x in [1])\nreturn g.gi_frame.f_globals", 3, "f_globals"),
    Refused("g = (x for x in [1])\nreturn g.gi_code", 3, "'gi_code'"),
    Refused("yield 1", 2, "generator"),
    Refused("x = yield\nreturn x", 2, "generator"),
    Refused("yield from [1]", 2, "generator"),
    Refused("def g():\n    yield g.gi_frame\nreturn g", 3, ""),
    Refused("try:\n    1/0\nexcept Exception as e:\n    return e.__traceback__", 5, _DUNDER),
    Refused("try:\n    1/0\nexcept Exception as e:\n    return e.x.tb_frame", 5, "'tb_frame'"),
    Refused("try:\n    1/0\nexcept Exception as e:\n    return e.__context__", 5, _DUNDER),
    Refused("e = ValueError()\ne.with_traceback(None)", 3, "'with_traceback'"),
    Refused("return context.f_back.f_back", 2, "'f_back'"),
    Refused("async def f(): pass\nreturn f().cr_frame", 2, "async"),
    Refused("await sender.send_message(chat_id, 'x')", 2, "async"),
    Refused("return [x async for x in context]", 2, "async"),
    # --- classes, globals, decorators
    Refused("class A: pass", 2, "class"),
    Refused("class A(str):\n    def __len__(self): return 0\nreturn A('x')", 2, "class"),
    Refused("class M(type): pass", 2, "class"),
    Refused("global x\nx = 1", 2, "global"),
    Refused("del context", 2, "`del`"),
    Refused("global len\nlen = lambda x: 0", 2, "global"),
    Refused("@print\ndef f(): pass", 3, "decorator"),
    Refused("@(lambda f: f)\ndef f(): pass", 3, "decorator"),
    Refused("try:\n    pass\nexcept* ValueError:\n    pass", 2, "TryStar"),
    Refused("return ...\nasync with x: pass", 3, "async"),
    # --- what stands beside the function
    Refused(whole("import os\n" + HEADER + "    pass"), 1, "imports"),
    Refused(whole(HEADER + "    pass\nprint('loaded')"), 3, "beside"),
    Refused(whole(HEADER + "    pass\n" + HEADER + "    pass"), 3, "not one function"),
    Refused(whole("print('loaded')\n"), 1, "beside"),
    Refused(whole("x = lambda chat_id, user_input, context, sender: 1"), 1, "beside"),
    Refused(whole("'a docstring'\n" + HEADER + "    pass"), 1, "beside"),
    Refused(whole("if True:\n    " + HEADER + "        pass"), 1, "beside"),
    Refused(whole("class start: pass"), 1, "class"),
    Refused(whole(""), 1, "not one function"),
    Refused(whole("# nothing"), 1, "not one function"),
    Refused(whole("@print\n" + HEADER + "    pass"), 2, "decorator"),
    Refused(whole("async " + HEADER + "    pass"), 1, "async"),
    Refused(whole(HEADER + "    pass; " * 2 + "pass\nimport os"), 3, "imports"),
    # --- its signature
    Refused(whole("def start(): pass"), 1, "parameters"),
    Refused(whole("def start(*a): pass"), 1, "parameters"),
    Refused(whole("def start(**k): pass"), 1, "parameters"),
    Refused(whole("def start(chat_id, context, user_input, sender): pass"), 1, "parameters"),
    Refused(whole("def start(chat_id, user_input, context, sender, x=1): pass"), 1, "parameters"),
    Refused(whole("def start(chat_id, user_input, context, sender, /): pass"), 1, "parameters"),
    Refused(whole("def start(chat_id, user_input, context, *, sender): pass"), 1, "parameters"),
    Refused(whole("def start(chat_id, user_input, context, sender, *a): pass"), 1, "parameters"),
    Refused(
        whole("def start(chat_id, user_input, context, sender=print('!')): pass"), 1, "default"
    ),
    Refused(whole("def start(chat_id, user_input, context, sender=[]): pass"), 1, "default"),
    Refused(
        whole("def start(chat_id, user_input, context, sender: print('!')): pass"), 1, "annotation"
    ),
    Refused(
        whole("def start(chat_id, user_input, context, sender) -> (x := 1): pass"), 1, "annotation"
    ),
    Refused(whole("def len(chat_id, user_input, context, sender): return 0"), 1, "named 'len'"),
    Refused(whole("def type(chat_id, user_input, context, sender): return 0"), 1, "named 'type'"),
    Refused(whole("def __x(chat_id, user_input, context, sender): return 0"), 1, "named '__x'"),
    Refused(whole("def _x(chat_id, user_input, context, sender): return 0"), 1, "named '_x'"),
    Refused(whole("def start[T](chat_id, user_input, context, sender): pass"), 1, ""),
    # --- its size and letters
    Refused("x = '" + "a" * 20_000 + "'", 1, "longer than"),
    Refused("return " + "-" * 9_000 + "1", ANY_LINE, "nests"),
    Refused("return " + "(" * 4_000 + ")" * 4_000, 2, "no Python"),
    Refused("return " + "[" * 150 + "]" * 150, 2, "nests deeper"),
    Refused("return a" + ".a" * 7_000, ANY_LINE, "nests"),
    Refused("return a" + "()" * 300, 2, "nests deeper"),
    Refused("return " + "not " * 3_000 + "1", ANY_LINE, "nests"),
    Refused("return " + "lambda: " * 300 + "1", 2, "nests deeper"),
    Refused("return " + "1 + " * 300 + "1", 2, "nests deeper"),
    Refused("return " + "9" * 9_000, 2, "no Python"),
    Refused("if 1: pass\n" + "elif 1: pass\n" * 300, 100, "nests deeper"),
    Refused("return 'a\x00b'", 2, "invisible character U+0000"),
    Refused("return '\u202e'  # turns the text around", 2, "invisible character U+202E"),
    Refused("x\u200b = 1", 2, "invisible character U+200B"),
    Refused("\ufeffreturn 1", 2, "invisible character U+FEFF"),
    Refused("x = 1\x0c", 2, "invisible character U+000C"),
    Refused("return '\ud800'", 2, "invisible character U+D800"),
    Refused(r"return '\ud800'", 2, "lone surrogate"),
    Refused("return (", 2, "no Python"),
    Refused("  return 1\n return 2", 3, "no Python"),
]

_ENDLESS = "TimeoutError"
_BOMB = "MemoryError"
_UNFIT = "TypeError"

CONTAINED: list[Contained] = [
    # --- loops
    Contained("while True: pass", _ENDLESS),
    Contained("for i in range(10**12): pass", _ENDLESS),
    Contained("try:\n    while True: pass\nexcept BaseException:\n    return 'free', {}", _ENDLESS),
    Contained(
        "while True:\n    try:\n        while True: pass\n    finally:\n        continue", _ENDLESS
    ),
    Contained("return sum(range(10**12))", _ENDLESS),
    Contained("return sum(1 for a in range(10**6) for b in range(10**6))", ""),
    Contained("return any(False for i in range(10**12))", ""),
    Contained(
        "def f(n):\n    return 1 if n < 2 else f(n - 1) + f(n - 2)\nreturn f(60), {}", _ENDLESS
    ),
    # --- recursion
    Contained("def f(): return f()\nf()", "RecursionError"),
    Contained("f = lambda g: g(g)\nf(f)", "RecursionError"),
    Contained("return start(chat_id, user_input, context, sender)", "RecursionError"),
    Contained("try:\n    start(chat_id, user_input, context, sender)\nfinally:\n    1/0", ""),
    Contained(
        "x = y = []\nfor i in range(50000): x, y = [x], [y]\nreturn x == y",
        "RecursionError",
    ),
    Contained("x = ()\nfor i in range(50000): x = (x,)\nreturn hash(x)", "RecursionError"),
    Contained("x = []\nfor i in range(50000): x = [x]\nreturn repr(x)[:9], {}", "returns"),
    # --- memory
    Contained("return 'a' * 10**10", _BOMB),
    Contained("return b'a' * 10**10", _BOMB),
    Contained("return [0] * 10**9", _BOMB),
    Contained("x = []\nwhile True: x.append(x[:])", ""),
    Contained("x = 'a'\nwhile True: x += x", _BOMB),
    Contained("return [i for i in range(10**9)]", _BOMB),
    Contained("return list(range(10**9))", _BOMB),
    Contained("return {i: i for i in range(10**9)}", _BOMB),
    Contained("return bytes(10**10)", _BOMB),
    Contained("return 'a'.ljust(10**10)", _BOMB),
    Contained("return 'a'.center(10**10)", _BOMB),
    Contained("return '1'.zfill(10**10)", _BOMB),
    Contained("return f'{1:10000000000}'", ""),
    Contained("return '%10000000000d' % 1", ""),
    Contained("return '{:10000000000}'.format(1)", ""),
    Contained("return ','.join(['a' * 10**4] * 10**5)", _BOMB),
    Contained("return ('ab' * 10**6).replace('a', 'b' * 10**4)", _BOMB),
    Contained("return ('a,' * 10**7).split(',')", _BOMB),
    Contained("return sorted(range(10**8))", _BOMB),
    Contained("return [[0] * 1000 for i in range(10**6)]", _BOMB),
    Contained("x = {}\nfor i in range(10**9): x = {'a': x, 'b': [x] * 100}", ""),
    # --- huge numbers
    Contained("return 10**10**10", _BOMB),
    Contained("return 1 << 10**11", _BOMB),
    Contained("x = 10\nwhile True: x = x * x", ""),
    Contained("return 2**10**6", _UNFIT),
    Contained("return str(10**100000)", "ValueError"),
    Contained("return int('9' * 100000)", "ValueError"),
    Contained("return pow(7, 10**9)", _BOMB),
    Contained("return pow(7, 10**6) % 3, {}", ""),
    Contained("return round(1e308 * 10)", "OverflowError"),
    Contained("return 1 / 0", "ZeroDivisionError"),
    # --- output
    Contained("while True: print('a' * 1000)", _BOMB),
    Contained("print('a' * 10**6)", _BOMB),
    Contained("for i in range(10**9): print()", ""),
    Contained("while True: sender.send_message(chat_id, 'spam')", "ValueError"),
    Contained("for i in range(21): sender.send_message(chat_id, 'spam')", "ValueError"),
    Contained("sender.send_message(chat_id, 'a' * 5000)", "ValueError"),
    Contained(
        "try:\n    while 1: sender.send_message(chat_id, 'a')\nexcept ValueError:\n    return None",
        "returns",
    ),
    Contained("raise ValueError('a' * 10**7)", "ValueError"),
    Contained("x = []\nfor i in range(30): x = [x, x]\nraise ValueError(x)", ""),
    # --- other people's conversations, other kinds of message
    Contained("sender.send_message('somebody else', 'hello')", "ValueError"),
    Contained("sender.send_message(None, 'hello')", "ValueError"),
    Contained("sender.send_message(chat_id, {'to': 'somebody'})", _UNFIT),
    Contained("sender.send_message(chat_id, ['a'])", _UNFIT),
    Contained("sender.send_message(chat_id, sender)", _UNFIT),
    Contained("sender.send_message(chat_id, b'x')", _UNFIT),
    Contained("sender.send_message()", _UNFIT),
    Contained("sender.send_message(chat_id, 'x', 1)", _UNFIT),
    # --- results that are none
    Contained("x = []\nfor i in range(30): x = [x, x]\nreturn 'next', {'x': x}", _UNFIT),
    Contained("x = []\nx.append(x)\nreturn 'next', {'x': x}", _UNFIT),
    Contained("context['me'] = context\nreturn 'next', context", _UNFIT),
    Contained("x = []\nfor i in range(40): x = [x]\nreturn 'next', x", _UNFIT),
    Contained("return 'next', {'x': lambda: 1}", _UNFIT),
    Contained("return 'next', {'x': start}", _UNFIT),
    Contained("return 'next', {'x': print}", _UNFIT),
    Contained("return 'next', {'x': sender}", _UNFIT),
    Contained("return 'next', {'x': sender.send_message}", _UNFIT),
    Contained("return 'next', {'x': type(sender)}", _UNFIT),
    Contained("return 'next', {'x': str}", _UNFIT),
    Contained("return 'next', {'x': ValueError('a')}", _UNFIT),
    Contained("return 'next', {'x': (i for i in [1])}", ""),
    Contained("return 'next', {'x': range(3)}", _UNFIT),
    Contained("return 'next', {'x': {1, 2}}", _UNFIT),
    Contained("return 'next', {'x': frozenset([1])}", _UNFIT),
    Contained("return 'next', {'x': ...}", _UNFIT),
    Contained("return 'next', {'x': NotImplemented}", _UNFIT),
    Contained("return 'next', {'x': {}.items()}", _UNFIT),
    Contained("return 'next', {'x': slice(1)}", _UNFIT),
    Contained("return 'next', {1: 'x'}", _UNFIT),
    Contained("return 'next', {None: 'x'}", _UNFIT),
    Contained("return 'next', {('a',): 'x'}", _UNFIT),
    Contained("return 'next', ['a'] * 20000", _UNFIT),
    Contained("return 'next', 'a' * 10**6", _UNFIT),
    Contained("return 'next', {'a' * 10**6: 1}", _UNFIT),
    Contained("return 'next', b'a' * 10**6", _UNFIT),
    Contained("return 'next', [[]] * 20000", _UNFIT),
    # --- reaching for what is not there
    Contained("return nothing_of_this_name", "NameError"),
    Contained("return help", "NameError"),
    Contained("return exit()", "NameError"),
    Contained("raise SystemExit", "SystemExit"),
    Contained("raise KeyboardInterrupt", "KeyboardInterrupt"),
    Contained("raise BaseException('out')", "BaseException"),
    Contained("return context.popitem", "AttributeError"),
    Contained("u = chr(95) * 2\nreturn ('{0.' + u + 'class' + u + '}').format(sender)", ""),
    Contained(
        "u = chr(95) * 2\nx = '{0.' + u + 'init' + u + '.' + u + 'dict' + u\n"
        "return (x + '}').format(sender)",
        "",
    ),
    Contained("u = chr(95) * 2\nreturn ('{0[' + u + 'class' + u + ']}').format(context)", ""),
    Contained("return '{0.send_message}'.format(sender), {}", ""),
    Contained("return '%s' % sender, {}", "returns"),
    Contained("return repr(sender.send_message), {}", "returns"),
    Contained("return str(type(sender)), {}", "returns"),
    Contained("return f'{start!r}', {}", "returns"),
    Contained("return chr(55296), {}", ""),
    Contained("return [chr(i) for i in range(55290, 57400)], {}", ""),
    Contained("return type('A', (str,), {})('x')", ""),
    Contained("return type(sender)().send_message(chat_id, 'x')", "returns"),
    # --- tampering with the inside
    Contained("sender.send_message = print\nreturn None", ""),
    Contained("sender.messages = ['x'] * 10**6\nreturn None", ""),
    Contained("type(sender).send_message = lambda *a: None\nreturn None", ""),
    Contained("sender = None\nreturn None", "returns"),
    Contained("start = None\nreturn None", "returns"),
    Contained("len = lambda x: 0\nreturn 'next', 'a' * 10**6", _UNFIT),
    Contained("type = lambda x: str\nreturn 'next', sender", _UNFIT),
    Contained("chat_id = 'somebody else'\nsender.send_message(chat_id, 'x')", "ValueError"),
    Contained("def f(x=1): return f\nf.x = 1\nreturn 'next', f", ""),
    Contained("len.x = 1", ""),
    Contained("str.lower = None", ""),
    Contained("context.clear()\nreturn None", "returns"),
]
