"""Registered names: each means one class, and a log can name nothing else."""

import importlib
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from dialogs import (
    Corrupt,
    LogError,
    UsageError,
    registry,
    serializable,
)
from dialogs.codec import encode
from dialogs.log import Log
from tests.registered import log_with, read


@pytest.fixture(autouse=True)
def _own_registrations(monkeypatch) -> None:
    """Each test registers on its own: names of one do not clash with another's."""
    monkeypatch.setattr(registry, "_by_type", dict(registry._by_type))
    monkeypatch.setattr(registry, "_by_name", dict(registry._by_name))


# --- names ------------------------------------------------------------------------------------


def test_two_classes_cannot_have_one_name():
    def one():
        @serializable(name="Thing")
        @dataclass
        class Thing:
            x: int

    def other():
        @serializable(name="Thing")
        @dataclass
        class Other:
            x: int

    one()
    with pytest.raises(UsageError) as caught:
        other()
    assert "one.<locals>.Thing" in str(caught.value)
    assert "other.<locals>.Other" in str(caught.value)
    assert '@serializable(name="...")' in str(caught.value)
    with pytest.raises(UsageError, match="'Message'"):
        serializable(name="Message")(Trap)


def test_a_module_that_is_loaded_again_registers_its_classes_again(tmp_path, monkeypatch):
    (tmp_path / "reloaded_shop.py").write_text(
        "from dataclasses import dataclass\nfrom dialogs import serializable\n"
        "@serializable\n@dataclass\nclass Item:\n    name: str\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    shop = importlib.import_module("reloaded_shop")
    log = log_with(old := shop.Item("tea"))
    importlib.reload(shop)
    assert type(read(log)) is shop.Item
    # An object that was made before the reload can still be kept.
    assert read(log_with(old)) == shop.Item("tea")
    sys.modules.pop("reloaded_shop")


def test_a_class_keeps_its_name_when_it_moves():
    @serializable(name="Item")
    @dataclass
    class Old:
        x: int

    log = log_with(Old(1))
    registry._by_name.pop("Item")  # what a new process begins with

    @serializable(name="Item")
    @dataclass
    class New:
        x: int

    assert read(log) == New(1)


# --- hostile names ----------------------------------------------------------------------------


@serializable(name="hostile.Trap")
@dataclass
class Trap:
    x: int

    def __post_init__(self):
        raise AssertionError("a log ran this")


def log_naming(name: Any) -> bytes:
    """A sealed log in which a step's answer is an object registered under that name."""
    log = Log.decode(log_with(None))
    parts = encode([name, {"x": 1}])
    log.values[:] = b"\xc9" + len(parts).to_bytes(4, "big") + b"\x02" + parts
    return log.encode()


def test_a_registered_class_is_found_by_its_registered_name_and_init_is_not_run():
    assert read(log_naming("hostile.Trap")).x == 1


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "os",
        "posix.system",
        "builtins.eval",
        "eval",
        "__import__",
        "subprocess.Popen",
        "dialogs.errors.LogError",
        "LogError",
        "dialogs.messages.Message",
        "Trap",
        "test_registry.Trap",
        f"{Trap.__module__}.{Trap.__qualname__}",
        f"{Trap.__module__}:{Trap.__qualname__}",
        "hostile.trap",
        "hostile.Trap ",
        "hostile.Trap.__init__",
        "",
        "\ud800",
        None,
        0,
        2**20_000,
        b"hostile.Trap",
        ["hostile.Trap"],
        ("hostile.Trap",),
        {"hostile.Trap": 1},
    ],
    ids=lambda name: repr(name)[:40] if not isinstance(name, int) else type(name).__name__,
)
def test_no_other_name_reaches_a_class_or_imports_or_calls_anything(name, monkeypatch):
    monkeypatch.setattr("os.system", _must_not_run)
    monkeypatch.setattr("builtins.eval", _must_not_run)
    before = dict(sys.modules)
    log = log_naming(name)
    with pytest.raises(LogError):
        read(log)
    assert dict(sys.modules) == before


@pytest.mark.parametrize(
    "module", ["antigravity", "this", "idlelib.idle", "turtledemo", "lib2to3.main"]
)
def test_a_module_named_by_a_log_is_not_imported(module):
    assert module not in sys.modules
    for name in (module, f"{module}.main", f"{module}:main"):
        with pytest.raises(LogError):
            read(log_naming(name))
    assert module not in sys.modules


def _must_not_run(*_args: Any) -> None:
    raise AssertionError("a log ran this")


def test_a_class_that_is_no_longer_registered_is_a_log_error_that_names_it(monkeypatch):
    log = log_naming("hostile.Trap")
    monkeypatch.delitem(registry._by_name, "hostile.Trap")
    with pytest.raises(Corrupt, match=r"no class was registered as 'hostile\.Trap'"):
        read(log)
