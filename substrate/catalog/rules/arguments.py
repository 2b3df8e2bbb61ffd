"""A model's own arguments for its engine: which are free. Imports the catalogue's types, resolvers, locator and facts.

Nothing is guessed: an argument is accepted when the engine's release lists it, the plan does not set it, and it changes
nothing that security rests on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices, Diagnostic, Severity
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules.capacity import written
from substrate.catalog.showing import shown, to_ascii
from substrate.catalog.spelling import nearest
from substrate.catalog.triton import Backend
from substrate.catalog.types import Foundation
from substrate.facts.engines import KSERVE_MOUNT, MODELS_MOUNT, OLLAMA, TRITON
from substrate.facts.options import Option, OptionList, options_of
from substrate.facts.options.reserved import COLLECTORS, RESERVED, SMUGGLED, TOO_WIDE, TRUST_REMOTE_CODE, Reserved

_NUMBER = re.compile(r"-\.?[0-9].*")
_OUTRIGHT = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with the argument at `index`."""

    index: int
    code: Code
    message: str
    help: str
    notes: tuple[str, ...] = ()
    choices: Choices | None = None
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Argument:
    """One option as it was read: `written` is its spelling, `values` what follows it."""

    index: int
    written: str
    option: Option
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asker:
    """The model that asks: what its arguments are judged by.

    `mount` is where its `files` lie in the container. `own_image`: the stack names an image of another release.
    """

    engine: str
    known: OptionList
    reserved: Reserved
    permissions: frozenset[str]
    mount: str
    files: tuple[str, ...]
    own_image: bool


def extra_arguments(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Every argument that is not free, each once."""
    for name, model in catalog.models.items():
        if not model.extra_args or model.pool not in catalog.pools:
            continue
        asker = _asker(catalog, name)
        if asker is None or not _takes_options(asker):
            yield _takes_none(catalog, name, where)
            continue
        for found in judged(model.extra_args, asker):
            yield where.report(
                found.code,
                ("models", name, "extraArgs", found.index),
                f"{found.message}, in extraArgs of model `{name}`",
                notes=found.notes,
                help=found.help,
                choices=found.choices,
                severity=found.severity,
                also=[(written(where, name, "engine"), f"the engine is {asker.engine}")],
            )


def permissions_have_an_effect(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A permission that no engine reads looks like a decision and is none."""
    for name, model in catalog.models.items():
        if not model.permissions or model.pool not in catalog.pools:
            continue
        engine = str(resolve.engine_of(catalog, name))
        if engine == TRITON and model.triton is None:
            continue
        useful = [*RESERVED[engine].permissions.values()] if engine in RESERVED else []
        if model.triton and model.triton.backend is Backend.PYTHON:
            useful.append(TRUST_REMOTE_CODE)
        for number, permission in enumerate(model.permissions):
            if permission not in useful:
                yield where.report(
                    Code.SETTINGS_WITHOUT_EFFECT,
                    ("models", name, "permissions", number),
                    f"the permission {permission} has no effect on model `{name}`: {engine} has no option for it",
                    help="remove it",
                    also=[(written(where, name, "engine"), f"the engine is {engine}")],
                )


def _asker(catalog: Catalog, name: str) -> Asker | None:
    engine = str(resolve.engine_of(catalog, name))
    known = options_of(engine)
    if known is None:
        return None
    model = catalog.models[name]
    on_kserve = resolve.foundation_of(catalog, name) is Foundation.KSERVE
    return Asker(
        engine=engine,
        known=known,
        reserved=RESERVED[engine],
        permissions=frozenset(map(str, model.permissions)),
        mount=KSERVE_MOUNT if on_kserve else MODELS_MOUNT,
        files=tuple(resolve.files_of(model)),
        own_image=known.release not in catalog.defaults.images.get(engine, known.release),
    )


def _takes_options(asker: Asker) -> bool:
    return any(option.name not in asker.reserved.plan for option in asker.known.options.values())


def _takes_none(catalog: Catalog, name: str, where: Locator) -> Diagnostic:
    engine = resolve.engine_of(catalog, name)
    path = ("models", name, "extraArgs")
    notes = ["`ollama serve` has no options: it is told everything by its environment, which the plan sets"]
    return where.report(
        Code.SETTINGS_WITHOUT_EFFECT,
        path,
        f"engine {engine} of model `{name}` takes no extraArgs",
        at=where.key(path),
        notes=notes if engine == OLLAMA else [],
        help="remove them" + (", or write `engine: llama.cpp`, which serves the same file" if engine == OLLAMA else ""),
        also=[(written(where, name, "engine"), f"the engine is {engine}")],
    )


def judged(arguments: Sequence[str], asker: Asker) -> Iterator[Finding]:
    """What is wrong with a list of arguments, read as the engine reads it."""
    at = 0
    while at < len(arguments):
        read, step = _read(arguments, at, asker)
        if isinstance(read, Finding):
            yield read
        elif found := _of_argument(read, asker):
            yield found
        at += step


def _read(arguments: Sequence[str], at: int, asker: Asker) -> tuple[Argument | Finding, int]:
    """The option that begins at `at`, or why none does, and how many arguments it takes up."""
    text, known = arguments[at], asker.known
    if not text.strip():
        return Finding(at, Code.ARGUMENT_VALUE, "an argument is empty", "remove it, or write the flag"), 1
    if not _is_flag(text) or text in ("-", "--"):
        message = f"`{shown(text)}` is no flag and follows none that takes a value"
        return Finding(at, Code.ARGUMENT_POSITIONAL, message, "write the flag that it belongs to before it"), 1
    flag, equals, attached = text.partition("=")
    option = known.find(flag)
    if option is None:
        return _unknown(at, flag, asker), 1 + _plain_after(arguments, at)
    if equals and not known.joined:
        return _joined(at, flag, attached, option, asker), 1
    dotted = known.dotted and "." in flag
    if equals:
        return _with_attached(at, flag, attached, option, dotted), 1
    return _with_following(arguments, at, option, dotted)


def _is_flag(text: str) -> bool:
    return text.startswith("-") and not _NUMBER.fullmatch(text)


def _plain_after(arguments: Sequence[str], at: int) -> int:
    """How many arguments that are no flags follow: of a flag that is not known they are most likely the values."""
    rest = arguments[at + 1 :]
    return next((number for number, text in enumerate(rest) if _is_flag(text)), len(rest))


def _with_attached(at: int, flag: str, attached: str, option: Option, dotted: bool) -> Argument | Finding:
    if option.most == 0:
        message = f"`{shown(flag)}` takes no value"
        off = next((name for name in option.names if name.startswith("--no-")), None)
        advice = f"write `{shown(flag)}` alone" + (f", or `{off}`" if off else "")
        return Finding(at, Code.ARGUMENT_VALUE, message, advice)
    if not attached.strip():
        return _missing(at, flag, option)
    return _chosen(Argument(at, flag, option, (attached,)), dotted)


def _with_following(arguments: Sequence[str], at: int, option: Option, dotted: bool) -> tuple[Argument | Finding, int]:
    flag = arguments[at]
    there = _plain_after(arguments, at)
    most = 1 if dotted else there if option.most is None else min(there, option.most)
    values = tuple(arguments[at + 1 : at + 1 + most])
    if len(values) < option.least or not all(value.strip() for value in values):
        return _missing(at, flag, option), 1 + len(values)
    return _chosen(Argument(at, flag, option, values), dotted), 1 + len(values)


def _missing(at: int, flag: str, option: Option) -> Finding:
    message = f"`{shown(flag)}` has no value" if option.least < 2 else f"`{shown(flag)}` needs {option.least} values"
    return Finding(at, Code.ARGUMENT_VALUE, message, "write the value, or remove the flag")


def _chosen(argument: Argument, dotted: bool) -> Argument | Finding:
    """A value that the list knows to be wrong is refused where it is written, not when the pod starts."""
    option = argument.option
    wrong = next((value for value in argument.values if option.choices and value not in option.choices), None)
    if wrong is None or dotted:
        return argument
    message = f"`{shown(argument.written)}` cannot be `{shown(wrong)}`"
    return Finding(argument.index, Code.ARGUMENT_VALUE, message, "", choices=Choices(to_ascii(wrong), option.choices))


def _joined(at: int, flag: str, attached: str, option: Option, asker: Asker) -> Finding:
    """llama-server takes `--flag=value` for the name of a flag."""
    pair = f'"{shown(flag)}", "{shown(attached)}"' if option.most else f'"{shown(flag)}"'
    message = f"{asker.engine} reads no value behind `=`"
    return Finding(at, Code.ARGUMENT_VALUE, message, f"write flag and value as two arguments: {pair}")


def _unknown(at: int, flag: str, asker: Asker) -> Finding:
    """An abbreviation is refused too: which option argparse takes it for changes with the release.

    Where the stack names an image of another release, a flag which resembles none is a warning: it may be new.
    """
    known = asker.known
    message = f"{asker.engine} {known.release} has no option `{shown(flag)}`"
    begun = known.beginning_with(to_ascii(flag))
    close = begun[0] if len(begun) == 1 else nearest(known.spelled(to_ascii(flag)), known.options)
    advice = f"did you mean `{close}`?" if close else f"`{known.how_to_list}` lists them"
    if not asker.own_image or begun or close:
        return Finding(at, Code.ARGUMENT_UNKNOWN, message, advice)
    note = "the stack names an image of another release, which may know it; what it does was not checked"
    return Finding(at, Code.ARGUMENT_UNKNOWN, message, advice, (note,), severity=Severity.WARNING)


def _of_argument(argument: Argument, asker: Asker) -> Finding | None:
    """What speaks against an option that the engine would take."""
    option, reserved = argument.option.name, asker.reserved
    if key := reserved.keys.get(option):
        return _of_the_plan(argument, f"`{key}` sets it", f"write `{key}` in the model's block, and remove this")
    if why := reserved.plan.get(option):
        return _of_the_plan(argument, why, "remove it")
    if argument.written.startswith("--no-") and not option.startswith("--no-"):
        return None  # what opens something may be turned off
    if why := reserved.unsafe.get(option):
        return Finding(argument.index, Code.ARGUMENT_UNSAFE, f"{_named(argument)} is refused: {why}", "remove it")
    permission = reserved.permissions.get(option)
    if permission and permission not in asker.permissions:
        return _not_permitted(argument, permission)
    return _of_values(argument, asker)


def _named(argument: Argument) -> str:
    """The flag as written, with the option that it is another spelling of."""
    spelled, name = shown(argument.written), argument.option.name
    return f"`{spelled}`" if spelled == name else f"`{spelled}` (`{name}`)"


def _of_the_plan(argument: Argument, why: str, advice: str) -> Finding:
    return Finding(argument.index, Code.ARGUMENT_OF_THE_PLAN, f"{_named(argument)} is the plan's: {why}", advice)


def _not_permitted(argument: Argument, permission: str) -> Finding:
    return Finding(
        argument.index,
        Code.ARGUMENT_NOT_PERMITTED,
        f"{_named(argument)} runs code that comes with the weights, and no permission for it is written",
        f"write `permissions: [{permission}]` beside extraArgs: it allows the flag and does not set it",
    )


def _of_values(argument: Argument, asker: Asker) -> Finding | None:
    option = argument.option.name
    values = [*argument.values, argument.written.partition(".")[2]]
    smuggled = next((word for word in sorted(SMUGGLED) for each in values if word in each.replace("-", "_")), None)
    if smuggled:
        message = f"{_named(argument)} is refused with `{smuggled}` in its value: that does what a refused flag does"
        return Finding(argument.index, Code.ARGUMENT_UNSAFE, message, "remove that key")
    if option not in COLLECTORS and any(map(_OUTRIGHT.search, values)):
        message = f"{_named(argument)} names a URL, and pods fetch nothing"
        return Finding(argument.index, Code.ARGUMENT_UNSAFE, message, "stage the file with the weights: `files`")
    for value in argument.values:
        if value in TOO_WIDE.get(asker.engine, {}).get(option, ()):
            message = f"{_named(argument)} cannot be `{value}`: the fit check counts the KV cache in 16 bit"
            return Finding(argument.index, Code.ARGUMENT_VALUE, message, "write f16, bf16 or a smaller type")
    return _of_files(argument, asker) if option in asker.reserved.files else None


def _of_files(argument: Argument, asker: Asker) -> Finding | None:
    """A file that an option names is one of the set's, verified; a repository is none."""
    for value in argument.values:
        for path in _paths(value):
            if not _staged(path, asker):
                message = f"{_named(argument)} names `{shown(path)}`, which is not among the model's files"
                advice = f"add the file to `weights.files`, and write its path below {asker.mount}/"
                return Finding(argument.index, Code.ARGUMENT_FILE, message, advice)
    return None


def _paths(value: str) -> Iterator[str]:
    """The paths in a value: `a,b`, `name=path`, `path:scale`, JSON; a template or a plain word is none."""
    if value.lstrip()[:2] in ('{"', "[{", '["'):
        yield from re.findall(r'"([^"]*/[^"]*)"', value)
        return
    if "{" in value:
        return
    for part in value.split(","):
        path = re.sub(r":-?[0-9.]+$", "", part.partition("=")[2] or part)
        if "/" in path or "." in path:
            yield path


def _staged(path: str, asker: Asker) -> bool:
    """Whether a path is a file of the set, or a folder that holds one; `..` leads to none."""
    mount = f"{asker.mount}/"
    if path == asker.mount or not path.startswith(mount):
        return path == asker.mount
    below = path.removeprefix(mount).rstrip("/")
    return any(file == below or file.startswith(f"{below}/") for file in asker.files)
