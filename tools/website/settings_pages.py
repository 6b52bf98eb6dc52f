"""The reference of all keys of a settings file, from the typed settings and the words below each field."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from reid.settings import Settings

_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_NAMES = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    type(None): "null",
}


def settings_page(title: str, introduction: str, root: type[Settings]) -> str:
    """Markdown with one section for each kind of section that a file can have, its root first.

    Args:
        title: of the page.
        introduction: what the file is for.
        root: of the settings.
    """
    sections = "\n".join(_section(model, model is root) for model in sections_of(root))
    return f"# {title}\n\n{introduction}\n\n{sections}"


def sections_of(root: type[Settings]) -> list[type[Settings]]:
    """All kinds of sections below ``root``, each once, in the order in which they are met."""
    found = [root]
    for model in found:
        for field in model.model_fields.values():
            found += [kind for kind in _models_in(field.annotation) if kind not in found]
    return found


def field_words(model: type[Settings]) -> dict[str, str]:
    """What stands below each field of a model's source, base classes included."""
    words: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not issubclass(kind, Settings):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        assert isinstance(definition, ast.ClassDef)
        for field, below in zip(definition.body, definition.body[1:], strict=False):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            match below:
                case ast.Expr(ast.Constant(str(text))):
                    words[field.target.id] = " ".join(text.split())
    return words


def _section(model: type[Settings], is_root: bool) -> str:
    words = field_words(model)
    about = inspect.cleandoc(model.__doc__ or "")
    rows = [
        f"| `{name}` | {_kind(field)} | {_default(field)} | {_cell(words.get(name, ''))} |"
        for name, field in model.model_fields.items()
    ]
    heading = "The file" if is_root else _heading(model)
    table = ["| key | takes | default | what it is |", "|---|---|---|---|", *rows]
    return f"## {heading} {{#{_anchor(model)}}}\n\n{about}\n\n" + "\n".join(table) + "\n"


def _kind(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(rule, name):g}"
        for rule in field.metadata
        for name, sign in _SIGNS.items()
        if getattr(rule, name, None) is not None
    ]
    return _cell(_type_words(field.annotation)) + (f", {' and '.join(bounds)}" if bounds else "")


def _type_words(annotation: Any) -> str:
    annotation = _plain(annotation)
    arguments = get_args(annotation)
    match get_origin(annotation):
        case origin if origin is Literal:
            return ", ".join(f"`{choice}`" for choice in arguments)
        case origin if origin in (Union, types.UnionType):
            return " or ".join(_type_words(argument) for argument in arguments)
        case origin if origin is tuple and arguments[-1] is not ...:
            return f"list of {len(arguments)}: {_type_words(arguments[0])}"
        case origin if origin in (list, tuple):
            return f"list of: {_type_words(arguments[0])}"
        case origin if origin is dict:
            return f"names, each with: {_type_words(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return f"[{_heading(annotation)}](#{_anchor(annotation)})"
    if is_dataclass(annotation):
        # A value with a notation of its own; its words say which.
        return inspect.cleandoc(annotation.__doc__ or "").split("\n")[0].split(":")[0].lower()
    return _NAMES.get(annotation, str(annotation))


def _plain(annotation: Any) -> Any:
    """An annotation without its rules."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _models_in(annotation: Any) -> Iterator[type[Settings]]:
    annotation = _plain(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "**needed**" if field.is_required() else ""
    if isinstance(field.default, Settings):
        return "its defaults"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1000)
    # YAML ends a lone value by three dots.
    return f"`{text.strip().removesuffix('...').strip()}`"


def _heading(model: type[Settings]) -> str:
    return model.__name__.removesuffix("Settings")


def _anchor(model: type[Settings]) -> str:
    return model.__name__.lower()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
