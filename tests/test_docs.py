"""The docs are complete: what can be missing from them is looked for here.

That their code runs is Sybil's business; that their links lead somewhere inside `docs/` is
Sphinx's.
"""

import re
from pathlib import Path

import pytest

import dialogs
from dialogs import Dialog, DialogsError, DialogsWarning, Step, errors, prompts

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))

ERRORS = [
    name
    for name, kind in [*vars(errors).items(), *vars(prompts).items()]
    if isinstance(kind, type) and issubclass(kind, DialogsError | DialogsWarning)
]
TREE = r"^[ │├└─]*─ (\w+)"
STEPS = [
    name
    for name in dialogs.__all__
    if isinstance(kind := getattr(dialogs, name), type)
    and issubclass(kind, Step)
    and kind not in (Step, Dialog)
] + ["get_client_response", "step_key"]
ROOMS = [
    room.stem
    for room in sorted((ROOT / "dialogs").iterdir())
    if not room.name.startswith("_") and (room.suffix == ".py" or (room / "__init__.py").exists())
]


def text_of(page):
    return (DOCS / page).read_text(encoding="utf-8")


def sections_of(page):
    """The text under each heading of the second level."""
    _, *sections = re.split(r"^## ", text_of(page), flags=re.MULTILINE)
    return {section.partition("\n")[0]: section for section in sections}


def code_in(text):
    return "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_and_warning_has_an_entry_with_an_example(name):
    assert re.search(rf"\b{name}\b", code_in(sections_of("errors.md").get(name, "")))


def test_no_entry_is_about_an_error_that_is_gone():
    assert set(sections_of("errors.md")) <= set(ERRORS)


def test_the_tree_on_the_page_of_errors_has_all_of_them():
    tree = re.search(r"```text\n(.*?)```", text_of("errors.md"), re.DOTALL)[1]
    leaves = re.findall(TREE, tree, re.MULTILINE)

    assert leaves == re.findall(TREE, errors.__doc__, re.MULTILINE)
    assert {*leaves, "DialogsError", "DialogsWarning"} == set(ERRORS)


@pytest.mark.parametrize("name", STEPS)
def test_every_step_has_an_example(name):
    assert f"{name}(" in code_in(text_of("steps.md"))


@pytest.mark.parametrize("name", dialogs.__all__)
def test_every_public_name_is_in_the_reference(name):
    assert re.search(rf":: dialogs\.{name}$", text_of("reference.md"), re.MULTILINE)


def test_every_page_can_be_reached_from_the_front_page():
    trees = re.findall(r"```{toctree}\n(.*?)```", text_of("index.md"), re.DOTALL)
    entries = [line for tree in trees for line in tree.splitlines() if re.match(r"[\w-]+$", line)]

    assert sorted([*entries, "index"]) == [page.stem for page in PAGES]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.stem != "changelog"], ids=lambda page: page.stem
)
def test_every_page_begins_with_its_title_and_then_says_what_it_is_for(page):
    title, blank, first, *_ = page.read_text(encoding="utf-8").splitlines()

    assert re.match("# [A-Z]|# dialogs", title)
    assert not blank
    assert re.match(r"[\w`]", first)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_on_the_maps(room):
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert re.search(rf"`{room}/?`", contributing)
    assert re.search(rf"`{room}(\.py|/)`", text_of("architecture.md"))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_link_of_the_front_pages_leads_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)

    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_dialog_of_the_front_page_has_twelve_lines():
    first = code_in((ROOT / "README.md").read_text(encoding="utf-8")).split(">>>")[0]

    assert len(first[first.index("@dialog") :].strip().splitlines()) == 12
