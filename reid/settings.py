"""Typed settings read from YAML, shared by both packages (``reid`` stands below ``tracker``).

A settings file is checked against a pydantic model. Whatever is wrong is said in one line for each mistake:
the file, the key, what was found and what is expected.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError


class SettingsError(ValueError):
    """A settings file or an override that cannot be used; the message names the key."""


class Settings(BaseModel):
    """Base of all settings: immutable, finite, no unknown keys, no silent conversions between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


S = TypeVar("S", bound=Settings)


class _Loader(yaml.SafeLoader):
    """Safe YAML in which 1e-3 is a number, as in YAML 1.2; YAML 1.1 wants 1.0e-3. No key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping; the library would let the last of equal keys win and drop all below the others."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{key.value!r} is there for the second time", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def find_settings(choice: str | Path, folders: Iterable[Path], kind: str) -> Path:
    """The file that ``choice`` means: a path, or the name of a file in one of ``folders``.

    Args:
        choice: "deepsort", "my/tracker.yaml" …
        folders: where named settings live.
        kind: what is looked for, for the error message: "tracker" …
    """
    path = Path(choice)
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        if path.is_file():
            return path
        raise SettingsError(f"{path}: no such {kind} file")
    names: list[str] = []
    for folder in folders:
        if (named := folder / f"{choice}.yaml").is_file():
            return named
        names += sorted(file.stem for file in folder.glob("*.yaml"))
    raise SettingsError(
        f"unknown {kind} {str(choice)!r}; known: {', '.join(names)}, or a path to a .yaml file"
    )


def load_settings(model: type[S], path: Path, overrides: Iterable[str] = ()) -> S:
    """Read ``path``, apply overrides such as ``"stages.0.threshold=0.3"``, and check the outcome."""
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not a text file in UTF-8") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise SettingsError(f"{path}: expected keys and values, found {type(tree).__name__}")
    for override in overrides:
        _apply(tree, override)
    return check_settings(model, tree, str(path))


def check_settings(model: type[S], tree: dict[str, Any], source: str) -> S:
    """Turn a tree of plain values into settings, or say all that is wrong with it."""
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise SettingsError(
            "\n".join(_explain(model, problem, source) for problem in error.errors())
        ) from None


def _apply(tree: Any, override: str) -> None:
    """Set one value in a tree; list entries are addressed by number or by their ``name``."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise SettingsError(f"override {override!r}: expected key=value, for example stages.0.threshold=0.3")
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise SettingsError(f"override {override!r}: the value is not valid YAML") from error
    *parents, last = key.split(".")
    for part in parents:
        tree = _child(tree, part, override)
    if isinstance(tree, list):
        tree[_position(tree, last, override)] = value
    elif isinstance(tree, dict):
        tree[last] = value
    else:
        raise SettingsError(f"override {override!r}: nothing below {'.'.join(parents)!r} can be set")


def _child(tree: Any, part: str, override: str) -> Any:
    if isinstance(tree, list):
        return tree[_position(tree, part, override)]
    if isinstance(tree, dict):
        # A section that the file leaves to its defaults comes into being when something in it is set.
        child = tree.setdefault(part, {})
        if child is None:
            child = tree[part] = {}
        return child
    raise SettingsError(f"override {override!r}: nothing below {part!r} can be set")


def _position(entries: list[Any], part: str, override: str) -> int:
    names = [str(entry.get("name")) if isinstance(entry, dict) else "" for entry in entries]
    if part in names:
        return names.index(part)
    if part.isdigit() and int(part) < len(entries):
        return int(part)
    raise SettingsError(f"override {override!r}: no entry {part!r} among {len(entries)} ({', '.join(names)})")


def _explain(model: type[BaseModel], problem: Any, source: str) -> str:
    keys, _ = _follow(model, problem["loc"])
    where = ".".join(keys)
    if problem["type"] == "extra_forbidden":
        _, section = _follow(model, problem["loc"][:-1])
        known = _known_keys(section)
        near = difflib.get_close_matches(keys[-1], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return f"{source}: {where}: unknown key; {hint}"
    if problem["type"] == "missing":
        return f"{source}: {where}: missing"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    found = "" if isinstance(problem["input"], dict | list) else f"found {problem['input']!r}, "
    # A check over several keys reports the section it belongs to, and is a sentence of its own.
    return (
        f"{source}: {where}: {found}expected {message}"
        if found
        else f"{source}: {where or 'settings'}: {message}"
    )


def _follow(model: type[BaseModel], location: Iterable[str | int]) -> tuple[list[str], Any]:
    """The keys that lead to a place as a file has them, and the type of what stands there; None: unknown.

    Where ``kind`` decides between several models, pydantic names the one it chose as if it were a key, too.
    """
    keys, here = [], model
    for part in location:
        chosen = _of_kind(here, part)
        if chosen is None:
            keys.append(str(part))
        here = chosen or _below(here, part)
    return keys, here


def _of_kind(annotation: Any, kind: str | int) -> type[BaseModel] | None:
    """Of several models that may stand somewhere the one of that kind; None: there is no choice."""
    models = [one for one in _alternatives(annotation) if _is_model(one)]
    if len(models) < 2:
        return None
    fields = [(one, one.model_fields.get("kind")) for one in models]
    return next((one for one, field in fields if field and kind in get_args(field.annotation)), None)


def _below(annotation: Any, part: str | int) -> Any:
    """The type of what a section, a list or a table has at ``part``; None: unknown."""
    for one in _alternatives(annotation):
        if _is_model(one):
            field = one.model_fields.get(part)
            return None if field is None else field.annotation
        if get_origin(one) is dict:
            return get_args(one)[1]
        if get_origin(one) in (list, tuple):
            return get_args(one)[0]
    return None


def _known_keys(annotation: Any) -> list[str]:
    return [key for one in _alternatives(annotation) if _is_model(one) for key in one.model_fields]


def _alternatives(annotation: Any) -> list[Any]:
    """The members of a union, or the type itself if it is none; pydantic's additions are left out."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [one for member in get_args(annotation) for one in _alternatives(member)]
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
