"""From a file, a folder or a dict to a document that was checked as a whole."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogs.errors import UsageError
from dialogs.workflows.checking import faults, loose_ends
from dialogs.workflows.fields import Validation
from dialogs.workflows.plan import Plan
from dialogs.workflows.problems import InvalidWorkflow, Problem, WorkflowWarning, meant
from dialogs.workflows.reading import read
from dialogs.workflows.schema import STEPS, ErrorHandling, Workflow
from dialogs.workflows.sources import Place, Source, Unreadable, copied

SUFFIXES = (".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Document:
    """A workflow that was loaded.

    Args:
        workflow: what it says.
        source: what it was read from.

    Attributes:
        version: its own, or the hash of its content.
        plan: which step follows which.
    """

    workflow: Workflow
    source: Source = field(repr=False)
    version: str = field(init=False)
    plan: Plan = field(init=False, repr=False)

    def __post_init__(self) -> None:
        content = json.dumps(self.source.data, sort_keys=True)
        digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        object.__setattr__(self, "version", self.workflow.version or digest)
        object.__setattr__(self, "plan", Plan(self.workflow))

    @property
    def workflow_id(self) -> str:
        """Its id."""
        return self.workflow.workflow_id

    def check(self, problems: Iterable[Problem]) -> None:
        """Refuse the document where there are problems.

        Raises:
            InvalidWorkflow: with them, each at its line.
        """
        found = self.placed(problems)
        if found:
            raise InvalidWorkflow(repr(self.workflow_id), found)

    def placed(self, problems: Iterable[Problem]) -> list[Problem]:
        """Problems, each with its file and line."""
        at = {step.id: number for number, step in enumerate(self.workflow.steps)}
        placed = []
        for problem in problems:
            place: Place = ("steps", at[problem.step]) if problem.step in at else ()
            place += _as_place(problem.field)
            placed.append(replace(problem, file=self.source.file, line=self.source.line(place)))
        return placed


def load_workflow(document: str | Path | Mapping[str, Any], *, strict: bool = True) -> Document:
    """Load a workflow document, and check all of it.

    Args:
        document: the path of a JSON or YAML file, or the content as a dict.
        strict: whether a reference to a step that does not exist, and a step that no way leads
            to, is an error. Otherwise it warns, and the workflow fails only where such a step is
            reached.

    Raises:
        InvalidWorkflow: it is wrong, with every problem's file, line, step and field.
        UsageError: there is no such file.
    """
    if isinstance(document, Mapping):
        try:
            return _checked(Source(copied(document)), strict=strict)
        except Unreadable as error:
            raise InvalidWorkflow("of this dict", [error.problem]) from None
    path = Path(document)
    try:
        source = read(path.read_text("utf-8-sig"), str(path))
    except OSError as error:
        raise UsageError(
            f"The workflow {str(path)!r} cannot be read: {error.strerror}.",
            "A workflow is a JSON or YAML file.",
            "Correct the path.",
        ) from None
    except UnicodeDecodeError:
        problem = Problem("the text is not in UTF-8", file=str(path))
        raise InvalidWorkflow(repr(path.name), [problem]) from None
    except Unreadable as error:
        problem = replace(error.problem, file=str(path))
        raise InvalidWorkflow(repr(path.name), [problem]) from None
    return _checked(source, strict=strict)


def load_workflows(folder: str | Path, *, strict: bool = True) -> list[Document]:
    """Load every document of a folder: its files that end with .json, .yaml or .yml.

    Raises:
        InvalidWorkflow: with the problems of all of them.
        UsageError: the folder does not exist, or has no document.
    """
    found = Path(folder)
    files = sorted(file for file in found.glob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise UsageError(
            f"{str(found)!r} has no workflow.",
            f"A folder's workflows are its files that end with {', '.join(SUFFIXES)}.",
            "Correct the path.",
        )
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in files:
        try:
            documents.append(load_workflow(file, strict=strict))
        except InvalidWorkflow as error:
            problems += error.problems
    if problems:
        raise InvalidWorkflow(f"folder {str(found)!r}", problems)
    return documents


def _checked(source: Source, *, strict: bool) -> Document:
    try:
        workflow = Workflow.model_validate(source.data)
    except ValidationError as error:
        problems = [_problem_of(found, source) for found in error.errors(include_url=False)]
        raise InvalidWorkflow(_name_of(source), problems) from None
    document = Document(workflow, source)
    loose = list(loose_ends(workflow, document.plan))
    document.check([*faults(workflow, document.plan), *(loose if strict else ())])
    if not strict:
        for problem in document.placed(loose):
            warnings.warn(f"{problem} (loaded all the same)", WorkflowWarning, stacklevel=3)
    return document


# --- problems of the shape --------------------------------------------------------------------


def _problem_of(error: Any, source: Source) -> Problem:
    """What pydantic found, with the step and the line."""
    place, value = _without_tags(error["loc"], source.data)
    if error["type"] in _WRONG_TYPE:
        place, value = (*place, "type"), None
    step = ""
    if len(place) > 1 and place[0] == "steps" and isinstance(place[1], int):
        found = source.data["steps"][place[1]]
        given = found.get("id") if isinstance(found, dict) else None
        step = given if isinstance(given, str) else f"number {place[1] + 1}"
    name = ".".join(map(str, place[2:] if step else place))
    text = _WORDS.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    text = f"{text[:1].lower()}{text[1:]}"
    if error["type"] == "extra_forbidden":
        text += meant(str(place[-1]), _fields_at(place[:-1], source.data))
    elif error["type"] != "missing" and isinstance(value, str | int | float):
        text += f", not {(value[:60] if isinstance(value, str) else value)!r}"
    return Problem(text, step, name, source.file, source.line(place))


_TYPES = ", ".join(sorted(STEPS))
_WRONG_TYPE = {
    "union_tag_invalid": f"there is no such type of step; there are {_TYPES}",
    "union_tag_not_found": f"a step has a type, one of {_TYPES}",
}
_WORDS = _WRONG_TYPE | {
    "bool_type": "true or false is needed",
    "dict_type": "an object is needed",
    "extra_forbidden": "there is no such field",
    "list_type": "a list is needed",
    "missing": "it is needed",
    "model_attributes_type": "an object is needed",
    "model_type": "an object is needed",
    "string_type": "a text is needed; in YAML, put one that looks like something else in quotes",
}


def _fields_at(place: Place, data: Any) -> Iterable[str]:
    """The fields that there are at a place of a document."""
    match place:
        case ():
            return Workflow.model_fields
        case ("error_handling",):
            return ErrorHandling.model_fields
        case ("steps", int(at)):
            return STEPS[data["steps"][at]["type"]].model_fields
        case ("steps", int(), "validation"):
            return Validation.model_fields
    return ()


def _without_tags(loc: tuple[str | int, ...], data: Any) -> tuple[Place, Any]:
    """A place in the data: without the kinds of steps and values that pydantic puts between."""
    place: Place = ()
    for at, part in enumerate(loc):
        if at == 2 and place[0] == "steps":
            continue  # the type of the step
        is_item = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if is_item or (isinstance(data, dict) and part in data):
            place, data = (*place, part), data[part]
        elif isinstance(data, dict) and at == len(loc) - 1:
            return (*place, part), None
    return place, data


def _name_of(source: Source) -> str:
    name = source.data.get("workflow_id") if isinstance(source.data, dict) else None
    return repr(name if isinstance(name, str) else Path(source.file).name or "of this dict")


def _as_place(name: str) -> Place:
    return tuple(int(part) if part.isdigit() else part for part in name.split(".") if part)
