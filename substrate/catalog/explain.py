"""One pydantic error as a diagnostic: what is wrong, what is allowed, where. Imports pydantic and the locator."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic_core import ErrorDetails

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.fields import FieldError, size_help
from substrate.catalog.locate import Locator
from substrate.catalog.reader import REFUSED
from substrate.catalog.rendering import dotted
from substrate.catalog.scalars import Ambiguous
from substrate.catalog.showing import code_points, shown
from substrate.catalog.types import Block

NOUNS = {"pools": "pool", "stores": "store", "teams": "team", "models": "model", "servers": "server"}
TEXT, WHOLE, BLOCK, LIST = "text", "a whole number", "a block of keys", "a list"
_EXPECTED = {
    "string_type": TEXT,
    "int_type": WHOLE,
    "int_from_float": WHOLE,
    "model_type": BLOCK,
    "dict_type": BLOCK,
    "list_type": LIST,
}


@cache
def keys_of(kind: type[Block]) -> tuple[str, ...]:
    """The keys of a block as they are written in the file."""
    return tuple(field.alias or name for name, field in kind.model_fields.items())


@cache
def types_of(kind: type[Block]) -> dict[str, Any]:
    """What each key of a block holds, without Annotated and None."""
    return {field.alias or name: _bare(field.annotation) for name, field in kind.model_fields.items()}


@cache
def keys_below(kind: type[Block]) -> dict[str, tuple[str, ...]]:
    """The keys of the blocks right below a block, each with the keys that such blocks stand under."""
    owners: dict[str, tuple[str, ...]] = {}
    for name, annotation in types_of(kind).items():
        if _is_block(annotation):
            for key in keys_of(annotation):
                owners[key] = (*owners.get(key, ()), name)
    return owners


def _is_block(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Block)


def class_at(kind: type[Block], loc: tuple[str | int, ...]) -> type[Block]:
    """The innermost block class on the way that an error's location takes."""
    annotation: Any = kind
    for part in loc:
        if _is_block(annotation):
            kind = annotation
            annotation = types_of(kind).get(str(part))
        else:
            annotation = _item_type(annotation)
    return annotation if _is_block(annotation) else kind


def _item_type(annotation: Any) -> Any:
    """What a list or a mapping holds."""
    arguments = get_args(annotation)
    return _bare(arguments[-1]) if arguments else None


def _bare(annotation: Any) -> Any:
    """The type without Annotated and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _bare(next(each for each in get_args(annotation) if each is not type(None)))
    return annotation


def subject(path: Path) -> str:
    """How a sentence names what stands at a path: "`weights.store` of model `qwen2-5-7b`"."""
    if not path:
        return "the stack"
    section = str(path[0])
    if section not in NOUNS:
        return f"`{dotted(path)}`"
    if len(path) == 1:
        return f"`substrate:{section}`"
    owner = f"{NOUNS[section]} `{shown(str(path[1]))}`"
    return f"`{dotted(path[2:])}` of {owner}" if len(path) > 2 else owner


def explain(error: ErrorDetails, kind: type[Block], path: Path, where: Locator) -> Diagnostic | None:
    """The diagnostic for one error; None where its value was reported already."""
    value = error["input"]
    if value is REFUSED:
        return None
    if path and path[-1] == "[key]":
        return _of_key(error, path[:-1], where)
    if error["type"] == "missing":
        return missing(kind, path, where)
    if error["type"] == "value_error" and isinstance(value, str):
        return _of_field(error["ctx"]["error"], path, where)
    if error["type"] == "value_error" and not isinstance(value, Ambiguous | int | dict | list):
        return _of_field(error["ctx"]["error"], path, where)
    if error["type"] == "too_short":
        return where.report(Code.EMPTY, path, f"{subject(path)} is empty", help=_example(kind, path))
    if error["type"] == "greater_than_equal":
        return _out_of_range(error, path, where, "least", error["ctx"]["ge"])
    if error["type"] == "less_than_equal":
        return _out_of_range(error, path, where, "most", error["ctx"]["le"])
    return _wrong_type(error, kind, path, where)


def _of_key(error: ErrorDetails, path: Path, where: Locator) -> Diagnostic:
    found = error.get("ctx", {}).get("error")
    message = found.message if isinstance(found, FieldError) else error["msg"]
    at = where.key(path)
    if not isinstance(found, FieldError):
        return where.report(Code.KEY_NOT_TEXT, path, message, at=at)
    return where.report(found.code, path, message, at=at, help=found.help, choices=found.choices, notes=found.notes)


def _of_field(found: Exception, path: Path, where: Locator) -> Diagnostic:
    if not isinstance(found, FieldError):
        return where.report(Code.BAD_TEXT, path, f"{subject(path)}: {shown(str(found))}")
    message = f"{subject(path)}: {found.message}"
    return where.report(found.code, path, message, help=found.help, choices=found.choices, notes=found.notes)


def missing(kind: type[Block], path: Path, where: Locator) -> Diagnostic:
    """A key that a block needs and has not."""
    key = str(path[-1])
    block = path[:-1]
    return where.report(
        Code.MISSING_KEY,
        path,
        f"{subject(block)} has no `{key}`",
        at=where.key(block),
        help=_example(kind, path, "add"),
    )


def _example(kind: type[Block], path: Path, verb: str = "write") -> str:
    """`add `pool: engine-01` (where it runs)`, from the field's own description and example."""
    key = path[-1]
    for name, field in kind.model_fields.items():
        if (field.alias or name) == key:
            shape = f"{key}: {field.examples[0]}" if field.examples else f"{key}: ..."
            return f"{verb} `{shape}`" + (f" ({field.description})" if field.description else "")
    return f"{verb} a value"


def _out_of_range(error: ErrorDetails, path: Path, where: Locator, bound: str, limit: int) -> Diagnostic:
    message = f"{subject(path)} is {shown(str(error['input']))}, it must be at {bound} {limit}"
    beyond = "more" if bound == "least" else "less"
    return where.report(Code.OUT_OF_RANGE, path, message, help=f"write a whole number, {limit} or {beyond}")


def _expected(error: ErrorDetails) -> tuple[str, FieldError | None]:
    found = error.get("ctx", {}).get("error")
    if isinstance(found, FieldError):
        return found.expects or TEXT, found
    return _EXPECTED.get(error["type"], "another kind of value"), None


def _wrong_type(error: ErrorDetails, kind: type[Block], path: Path, where: Locator) -> Diagnostic:
    value = error["input"]
    expected, found = _expected(error)
    if isinstance(value, Ambiguous):
        return _ambiguous(value, expected, found, kind, path, where)
    scalar_for_text = expected == TEXT and isinstance(value, int)
    if scalar_for_text:
        return _unquoted(str(value).lower() if isinstance(value, bool) else str(value), _named(value), path, where)
    advice = found.help if found else _advice(value, expected, kind, path)
    code = found.code if found and isinstance(value, int) and not isinstance(value, bool) else Code.WRONG_TYPE
    return where.report(
        code,
        path,
        f"{subject(path)} is {_named(value)}, it must be {expected}",
        help=advice,
        choices=found.choices if found else None,
        notes=[note] if isinstance(value, str) and (note := code_points(value)) else [],
    )


def _named(value: object) -> str:
    """What a value is, in a sentence."""
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int):
        return f"the bare number {shown(str(value))}"
    if isinstance(value, str):
        return f'the text "{shown(value)}"'
    return "a list" if isinstance(value, list) else "a block of keys" if isinstance(value, dict) else "something else"


def _advice(value: object, expected: str, kind: type[Block], path: Path) -> str:
    if expected == WHOLE and isinstance(value, str):
        if value.strip().lstrip("-").isdecimal() and value.isascii():
            return f"write {shown(value.strip())} without quotes"
        return "write a whole number in plain digits, as 8192"
    if expected == LIST and isinstance(value, str | int) and not isinstance(value, bool):
        return f"write a list: [{shown(str(value))}]"
    if expected == BLOCK and isinstance(value, str) and ":" in value:
        return "a key's colon needs a space after it"
    return _example(kind, path)


def _unquoted(text: str, named: str, path: Path, where: Locator) -> Diagnostic:
    message = f"{subject(path)} is {named} to YAML, it must be text"
    return where.report(Code.AMBIGUOUS_SCALAR, path, message, help=f'write "{shown(text)}" in quotes')


def _ambiguous(
    value: Ambiguous, expected: str, found: FieldError | None, kind: type[Block], path: Path, where: Locator
) -> Diagnostic:
    """A scalar that readers of YAML disagree on, with the way to write what was meant."""
    if value.empty:
        return _no_value(expected, found, kind, path, where)
    message = f"{subject(path)}: `{shown(value.text)}` is {value.reading} to YAML, it must be {expected}"
    return where.report(
        Code.AMBIGUOUS_SCALAR,
        path,
        message,
        notes=("readers of YAML disagree on it: Pulumi's engine may take another value than this program",),
        help=_plain_form(value, expected, found),
        choices=found.choices if found else None,
    )


def _plain_form(value: Ambiguous, expected: str, found: FieldError | None) -> str | None:
    if expected == TEXT or (found and found.code is Code.BAD_DIGEST):
        return f'write "{shown(value.text)}" in quotes'
    if expected == WHOLE:
        meant = value.integer
        return (
            f"write {meant} in plain digits" if meant is not None else "write a whole number in plain digits, as 8192"
        )
    if expected == "a size":
        return size_help(value.text.replace("_", ""))
    return found.help if found else f"write {expected}"


def _no_value(expected: str, found: FieldError | None, kind: type[Block], path: Path, where: Locator) -> Diagnostic:
    key = shown(str(path[-1]))
    if expected == BLOCK:
        advice = f"write what belongs to it indented below, or `{key}: {{}}` for nothing"
    else:
        advice = f"{_example(kind, path)}, or remove the line"
    choices = found.choices if found else None
    return where.report(Code.NO_VALUE, path, f"{subject(path)} has no value", help=advice, choices=choices)
