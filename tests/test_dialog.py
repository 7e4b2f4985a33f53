import functools
import inspect

import pytest

from dialogs import (
    Dialog,
    DialogStepDone,
    InMemoryPersistence,
    ReplayError,
    UsageError,
    call,
    dialog,
    dialog_result,
    get_client_response,
    run,
    run_gen_dialog,
    send_message,
)


@pytest.fixture
def kept():
    return InMemoryPersistence()


# --- the forms of the decorator ---------------------------------------------------------------


def test_all_forms_of_the_decorator_make_dialogs(kept):
    @dialog
    def bare():
        yield call(int)

    @dialog()
    def called():
        yield call(int)

    @dialog(version="1.1")
    def versioned():
        yield call(int)

    @dialog(name="order")
    def named():
        yield call(int)

    @dialog(version="2", name="order")
    def both():
        yield call(int)

    made = [bare(), called(), versioned(), named(), both()]

    assert all(isinstance(each, Dialog) for each in made)
    assert [(each.name, each.version) for each in made] == [
        ("bare", "1.0"),
        ("called", "1.0"),
        ("versioned", "1.1"),
        ("order", "1.0"),
        ("order", "2"),
    ]


def test_a_dialog_may_be_made_by_calling_the_decorator(kept):
    def greet(who):
        yield send_message(who)

    decorated = dialog(greet)

    assert run_gen_dialog(decorated("Ada"), kept, "").messages == ["Ada"]
    assert next(greet("Ada")).message == "Ada"


def test_the_decorated_function_looks_like_the_function():
    def order(item: str, amount: int = 1) -> str:
        """Order something."""

    decorated = dialog(order)

    assert decorated.__name__ == "order"
    assert decorated.__qualname__ == order.__qualname__
    assert decorated.__module__ == __name__
    assert decorated.__doc__ == "Order something."
    assert inspect.signature(decorated) == inspect.signature(order)
    assert decorated.__wrapped__ is order


def test_calling_a_dialog_runs_nothing_of_it():
    @dialog
    def plain():
        pytest.fail("it ran")

    @dialog
    async def coroutine():
        pytest.fail("it ran")

    for each in [plain, coroutine]:
        assert repr(each()) == f"the dialog '{each.__name__}'"


def test_an_empty_version_is_a_version(kept):
    @dialog(version="")
    def talk():
        return (yield get_client_response())

    run_gen_dialog(talk(), kept, "")

    assert run_gen_dialog(talk(), kept, "x").return_value == "x"


def test_versions_and_names_are_any_text(kept):
    @dialog(version="ünï\ud800", name="my order\n2")
    def talk():
        return (yield get_client_response())

    run_gen_dialog(talk(), kept, "")

    assert run_gen_dialog(talk(), kept, "x").return_value == "x"


# --- arguments --------------------------------------------------------------------------------


def test_arguments_and_defaults_reach_the_function(kept):
    @dialog
    def order(item, /, amount=1, *extras, gift=False, **options):
        yield get_client_response()
        return item, amount, extras, gift, options

    step = order("tea", 2, "milk", gift=True, item="sugar")
    run_gen_dialog(order("tea"), kept, "")
    other = InMemoryPersistence()
    run_gen_dialog(step, other, "")

    assert run_gen_dialog(order("tea"), kept, "x").return_value == ("tea", 1, (), False, {})
    assert run_gen_dialog(step, other, "x").return_value == (
        "tea",
        2,
        ("milk",),
        True,
        {"item": "sugar"},
    )


def test_wrong_arguments_fail_when_the_dialog_runs(kept):
    @dialog
    def order(item):
        yield send_message(item)

    @dialog
    def shop():
        try:
            yield order()
        except TypeError as error:
            return str(error)

    with pytest.raises(TypeError, match="'item'"):
        run_gen_dialog(order(), kept, "")
    with pytest.raises(TypeError, match="'item'"):
        run_gen_dialog(order, kept, "")
    assert "'item'" in run_gen_dialog(shop(), kept, "").return_value


def test_one_call_of_a_dialog_serves_many_conversations(kept):
    @dialog
    def count(limit):
        total = 0
        while total < limit:
            total += yield get_client_response()
        return total

    to_ten, other = count(10), InMemoryPersistence()
    for conversation in [kept, other]:
        run_gen_dialog(to_ten, conversation, "")
    run_gen_dialog(to_ten, kept, 9)
    run_gen_dialog(to_ten, other, 1)

    assert run_gen_dialog(to_ten, kept, 1).return_value == 10
    assert not run_gen_dialog(to_ten, other, 1).is_done


# --- methods ----------------------------------------------------------------------------------


class Shop:
    def __init__(self, city):
        self.city = city

    @dialog
    def order(self, item):
        yield send_message(f"{item} from {self.city}?")
        answer = yield get_client_response()
        return self.city, item, answer, (yield self.receipt(1))

    @dialog
    def receipt(self, number):
        return f"{self.city} {number}"

    @dialog
    async def coroutine(self):
        return self.city, await get_client_response()

    @dialog
    async def async_generator(self):
        answer = yield get_client_response()
        yield dialog_result((self.city, answer))

    @dialog
    def plain(self):
        return self.city, run(get_client_response())

    @staticmethod
    @dialog
    def static(item):
        return item, (yield get_client_response())

    @classmethod
    @dialog
    def of_class(cls, item):
        return cls.__name__, item, (yield get_client_response())


def test_a_method_can_be_a_dialog(kept):
    shop = Shop("Oslo")

    assert run_gen_dialog(shop.order("tea"), kept, "").messages == ["tea from Oslo?"]
    # Another process makes its own object.
    result = run_gen_dialog(Shop("Oslo").order("tea"), kept, "yes")

    assert result == DialogStepDone(("Oslo", "tea", "yes", "Oslo 1"), [])


@pytest.mark.parametrize("name", ["coroutine", "async_generator", "plain"])
def test_methods_of_the_other_styles_are_dialogs_too(kept, name):
    run_gen_dialog(getattr(Shop("Oslo"), name)(), kept, "")

    assert run_gen_dialog(getattr(Shop("Oslo"), name)(), kept, "x").return_value == ("Oslo", "x")


@pytest.mark.parametrize("shop", [Shop, Shop("Oslo")], ids=["class", "object"])
def test_static_and_class_methods_can_be_dialogs(shop):
    static, of_class = InMemoryPersistence(), InMemoryPersistence()
    run_gen_dialog(shop.static("tea"), static, "")
    run_gen_dialog(shop.of_class("tea"), of_class, "")

    assert run_gen_dialog(shop.static("tea"), static, "x").return_value == ("tea", "x")
    assert run_gen_dialog(shop.of_class("tea"), of_class, "x").return_value == ("Shop", "tea", "x")


# --- names in the log -------------------------------------------------------------------------


def test_a_function_may_be_renamed_while_its_dialog_keeps_its_name(kept):
    @dialog
    def order():
        return (yield get_client_response())

    @dialog(name="order")
    def place_an_order():
        return (yield get_client_response())

    run_gen_dialog(order(), kept, "")

    assert run_gen_dialog(place_an_order(), kept, "tea").return_value == "tea"


def test_another_name_is_another_dialog(kept):
    @dialog
    def order():
        return (yield get_client_response())

    @dialog
    def place_an_order():
        return (yield get_client_response())

    run_gen_dialog(order(), kept, "")

    with pytest.raises(ReplayError, match="the dialog 'order' but the dialog is 'place_an_order'"):
        run_gen_dialog(place_an_order(), kept, "tea")


# --- misuse -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [5, "1.1", [print]])
def test_only_functions_can_be_dialogs(value):
    for decorate in [dialog, dialog(), dialog(version="2")]:
        with pytest.raises(UsageError, match="not a function"):
            decorate(value)


@pytest.mark.parametrize("arguments", [{"version": 2}, {"version": None}, {"name": 5}])
def test_versions_and_names_that_are_no_text_are_refused(arguments):
    with pytest.raises(UsageError, match=next(iter(arguments))):

        @dialog(**arguments)
        def order():
            yield get_client_response()


def hiding(fn):
    """What a decorator does that knows nothing of generators."""

    @functools.wraps(fn)
    def hidden(*args):
        return fn(*args)

    return hidden


def test_a_hidden_style_is_an_error_that_says_what_to_do(kept):
    @dialog
    @hiding
    def generator():
        yield send_message("never said")

    @dialog
    @hiding
    async def coroutine():
        await send_message("never said")

    @dialog
    @hiding
    async def async_generator():
        yield send_message("never said")

    @dialog
    @staticmethod
    def static():
        yield send_message("never said")

    for hidden in [generator, coroutine, async_generator, static]:
        with pytest.raises(UsageError, match="Put @dialog directly above the def"):
            run_gen_dialog(hidden, kept, "")
    assert kept.log is None
