"""What each engine's release accepts on its command line: one dated list an engine. Imports its own files only.

A list is text, an option a line: its spellings, then what follows it (`VALUE`, `{one,of,these}`, `VALUE...` for one or
more, `[VALUE]` for none or one). Nothing is read before somebody asks: most stacks write no `extraArgs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

# Engine -> the module of its list.
_MODULES = {"vllm": "vllm", "llama.cpp": "llama_cpp", "tgi": "tgi", "ollama": "ollama"}


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `name` is the spelling that says most; `least` and `most` values follow it (`most` None: any number).

    `choices` is empty where the list does not say what the value may be.
    """

    name: str
    names: tuple[str, ...]
    least: int
    most: int | None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionList:
    """What a release accepts. `date` is when the list was taken, `source` from what.

    `joined`: whether a value may follow in the same argument (`--flag=value`). `underscores`: whether `--a_b` is read
    as `--a-b`. `dotted`: whether `--option.key` sets a key of an option that takes JSON.
    """

    engine: str
    release: str
    date: str
    source: str
    how_to_list: str
    joined: bool
    underscores: bool
    dotted: bool
    options: Mapping[str, Option] = field(repr=False)

    def find(self, written: str) -> Option | None:
        """The option that the engine reads a spelling as, without its value; None where it knows none."""
        return self.options.get(self.spelled(written))

    def spelled(self, written: str) -> str:
        """A spelling as the list has it."""
        if not written.startswith("--"):
            return written.partition(".")[0] if self.dotted else written
        name = written.partition(".")[0] if self.dotted else written
        return name.replace("_", "-") if self.underscores else name

    def beginning_with(self, written: str) -> tuple[str, ...]:
        """The options that a spelling abbreviates; argparse takes `--max-mod` for the only one that begins so."""
        start = self.spelled(written)
        return tuple(sorted(name for name in self.options if name.startswith(start))) if len(start) > 2 else ()


def engines() -> tuple[str, ...]:
    return tuple(_MODULES)


@cache
def options_of(engine: str) -> OptionList | None:
    """The list of an engine; None for one that has no command line of ours."""
    if engine not in _MODULES:
        return None
    module = import_module(f"{__name__}.{_MODULES[engine]}")
    return OptionList(
        engine=engine,
        release=module.RELEASE,
        date=module.DATE,
        source=module.SOURCE,
        how_to_list=module.HOW_TO_LIST,
        joined=module.JOINED,
        underscores=module.UNDERSCORES,
        dotted=module.DOTTED,
        options=read(module.OPTIONS),
    )


def read(text: str) -> dict[str, Option]:
    """Every spelling of every option. Raises ValueError for a spelling that stands twice."""
    found: dict[str, Option] = {}
    for line in filter(None, text.splitlines()):
        option = _option(line)
        for name in option.names:
            if name in found:
                raise ValueError(f"{name} stands twice")
            found[name] = option
    return found


def _option(line: str) -> Option:
    words = line.split()
    names = tuple(word for word in words if word.startswith("-"))
    values = words[len(names) :]
    name = next((each for each in reversed(names) if each.startswith("--") and not each.startswith("--no-")), names[-1])
    if values and values[-1].endswith("..."):
        return Option(name, names, len(values), None)
    if values and values[0].startswith("["):
        return Option(name, names, 0, len(values))
    choices = tuple(values[0].strip("{}").split(",")) if values and values[0].startswith("{") else ()
    return Option(name, names, len(values), len(values), choices)
