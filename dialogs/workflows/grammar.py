"""What code in data may be: the syntax it may have, and the names it may not."""

from __future__ import annotations

import ast
import re

_SAFE = """
abs all any bool dict enumerate float int len list max min range reversed round set sorted str sum
tuple zip
"""

_REACHING_THE_HOST = """
os sys subprocess eval exec open compile builtins importlib socket ctypes shutil pickle globals
locals vars dir getattr setattr delattr breakpoint input memoryview object
"""

_REACHING_THE_INTERPRETER = """
mro gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await cr_origin ag_frame ag_code ag_await
f_back f_builtins f_code f_globals f_lineno f_locals f_trace tb_frame tb_lasti tb_lineno tb_next
co_code co_consts co_names co_varnames func_globals func_code with_traceback add_note format_map
"""

SAFE_BUILTINS = frozenset(_SAFE.split())
"""What an expression may call besides the names that it is given."""

FORBIDDEN = frozenset((_REACHING_THE_HOST + _REACHING_THE_INTERPRETER).split())
"""What nothing may be named, besides all that begins with two underscores."""

IN_EXPRESSIONS: tuple[type[ast.AST], ...] = (
    ast.expr_context,
    ast.boolop,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.IfExp,
    ast.Dict,
    ast.Set,
    ast.List,
    ast.Tuple,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.comprehension,
    ast.Compare,
    ast.Call,
    ast.keyword,
    ast.FormattedValue,
    ast.JoinedStr,
    ast.Constant,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Starred,
    ast.Name,
)

IN_CODE: tuple[type[ast.AST], ...] = (
    *IN_EXPRESSIONS,
    ast.FunctionDef,
    ast.arguments,
    ast.arg,
    ast.Lambda,
    ast.NamedExpr,
    ast.Return,
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.For,
    ast.While,
    ast.If,
    ast.Raise,
    ast.Try,
    ast.ExceptHandler,
    ast.Assert,
    ast.Expr,
    ast.Pass,
    ast.Break,
    ast.Continue,
    ast.Nonlocal,
    ast.Match,
    ast.match_case,
    ast.MatchValue,
    ast.MatchSingleton,
    ast.MatchSequence,
    ast.MatchMapping,
    ast.MatchStar,
    ast.MatchAs,
    ast.MatchOr,
)

IN_ANNOTATIONS = (
    ast.Name,
    ast.Constant,
    ast.Subscript,
    ast.Tuple,
    ast.List,
    ast.BinOp,
    ast.BitOr,
    ast.Load,
)

WORDS: dict[type[ast.AST], str] = {
    ast.Import: "it imports something",
    ast.ImportFrom: "it imports something",
    ast.AsyncFunctionDef: "it is async",
    ast.AsyncFor: "it is async",
    ast.AsyncWith: "it is async",
    ast.Await: "it is async",
    ast.Yield: "it is a generator",
    ast.YieldFrom: "it is a generator",
    ast.ClassDef: "it defines a class",
    ast.Global: "it declares a global",
    ast.With: "it has a `with` statement",
    ast.Delete: "it has a `del` statement",
    ast.Lambda: "it has a lambda",
    ast.NamedExpr: "it assigns a name",
}

DUNDER = re.compile(r"__\w*[A-Za-z]\w*__")
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # control, format (bidirectional), surrogates, unassigned
