"""YAML read strictly: no duplicate key, no key turned into a boolean, no unknown key left unnamed.

What does NOT belong here: the meaning of any key (company.py, contract.py, mapping.py).
"""

from __future__ import annotations

import difflib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ingest.errors import ConfigurationError

Model = TypeVar("Model", bound=BaseModel)

# A value that a person has to decide is written with this tag and the question as its text. A tag cannot be
# mistaken for data: a status of a source may well be called like it.
UNDECIDED_TAG = "!TO" + "DO"


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """SafeLoader that refuses a repeated key and a key that YAML 1.1 reads as a boolean (on, yes, no,
    off).
    """


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if isinstance(key, bool):
            raise ConfigurationError("E-ING-102", f"line {line}", key=key_node.value, value=str(key).lower())
        if key in result:
            raise ConfigurationError("E-ING-103", f"line {line}", key=key)
        if value_node.tag == UNDECIDED_TAG:
            raise _undecided(loader, value_node, str(key))
        result[key] = loader.construct_object(value_node, deep=True)
    return result


def _undecided(loader: _StrictLoader, node: yaml.Node, key: str = "") -> ConfigurationError:
    question = node.value if isinstance(node, yaml.ScalarNode) else ""
    return ConfigurationError(
        "E-ING-110",
        f"line {node.start_mark.line + 1}",
        key=key or UNDECIDED_TAG,
        question=question,
        tag=UNDECIDED_TAG,
    )


def _refuse_undecided(loader: _StrictLoader, node: yaml.Node) -> Any:
    raise _undecided(loader, node)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_StrictLoader.add_constructor(UNDECIDED_TAG, _refuse_undecided)


def read_yaml(path: Path) -> Any:
    """Parsed YAML of `path`. Raises ConfigurationError naming the file when it is missing or not strict."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError("E-ING-100", path.name, path=path) from None
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - subclass of SafeLoader
    except ConfigurationError as error:
        problem = error.problem
        raise ConfigurationError(
            problem.code, f"{path.name}, {problem.where}", **dict(problem.params)
        ) from None
    except yaml.YAMLError as error:
        raise ConfigurationError("E-ING-101", path.name, detail=" ".join(str(error).split())) from None
    except RecursionError:
        raise ConfigurationError("E-ING-101", path.name, detail="nested too deeply") from None


def validate(model: type[Model], content: Any, where: str) -> Model:
    """`content` as `model`. The first problem is raised as a ConfigurationError with the path of the key."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = _most_telling(error.errors())
        path = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = _fields_at(model, first["loc"][:-1])
            wrong = str(first["loc"][-1])
            near = nearest(wrong, known)
            raise ConfigurationError(
                "E-ING-104", f"{where}: {path}", key=wrong, nearest=near or ", ".join(sorted(known))
            ) from None
        raise ConfigurationError("E-ING-105", f"{where}: {path}", detail=first["msg"]) from None


def _most_telling(errors: list[dict[str, Any]]) -> dict[str, Any]:
    """An unknown key explains the other errors it causes, so it is named first."""
    return next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])


def nearest(word: str, candidates: typing.Iterable[str]) -> str | None:
    """The candidate most like `word`, or None when none is close."""
    candidates = list(candidates)
    lowered = {c.lower(): c for c in candidates}
    found = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.5)
    return lowered[found[0]] if found else None


def _fields_at(model: type[BaseModel], loc: tuple[Any, ...]) -> set[str]:
    """Names of the keys allowed at `loc` of `model` (dictionary keys and list positions are stepped over)."""
    current: Any = model
    for part in loc:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = _field(current, part)
            current = _model_in(field.annotation) if field else current
    if isinstance(current, type) and issubclass(current, BaseModel):
        return {f.alias or name for name, f in current.model_fields.items()}
    return set()


def _field(model: type[BaseModel], part: Any) -> Any:
    for name, field in model.model_fields.items():
        if part in (name, field.alias):
            return field
    return None


def _model_in(annotation: Any) -> Any:
    """The pydantic model inside `annotation` (Optional, list and dict are looked through)."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, list, dict, tuple):
        for argument in typing.get_args(annotation):
            found = _model_in(argument)
            if found is not None:
                return found
    return None
