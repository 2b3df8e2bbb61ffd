"""Reads the option lists of substrate/facts/options from the engines' own programs. Imports the standard library only.

    llama-server --help | python -m tests.engine.option_lists llama.cpp
    vllm serve --help=all | python -m tests.engine.option_lists vllm

prints the lines between the quotes of `OPTIONS`; a test compares them with the list that is checked in.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

# Where llama-server's help begins an option's description.
LLAMA_COLUMN = 40
REMOVED = "the argument has been removed"


def of_llama_server(text: str) -> str:
    """The list in llama-server's help; options that only say that they are gone are left out."""
    return "".join(f"{line}\n" for line in _llama_lines(text.splitlines()))


def _llama_lines(lines: list[str]) -> Iterator[str]:
    starts = [number for number, line in enumerate(lines) if re.match(r"--?[a-zA-Z]", line)]
    for number, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        head, first = _llama_head(lines[number])
        described = " ".join([first, *(line.strip() for line in lines[number + 1 : end])])
        if REMOVED in described:
            continue
        names, value = _names_and_value(head)
        yield " ".join([*names, *_llama_values(value, described)])


def _llama_head(line: str) -> tuple[str, str]:
    """Spellings with the value's name, and what of the description stands beside them."""
    head, rest = line[:LLAMA_COLUMN], line[LLAMA_COLUMN:]
    return (head.rstrip(), rest) if head.endswith("  ") or not rest else (line.rstrip(), "")


def _names_and_value(head: str) -> tuple[list[str], str]:
    """`-c,    --ctx-size N` is two spellings and `N`."""
    names: list[str] = []
    while found := re.match(r"(--?[a-zA-Z0-9][\w.-]*)(,\s+)?", head):
        names.append(found[1])
        head = head[found.end() :]
        if not found[2]:
            break
    return names, head.strip()


def _llama_values(value: str, described: str) -> list[str]:
    if not value:
        return []
    if value == "START END":
        return ["VALUE", "VALUE"]
    if re.fullmatch(r"\{[^{}\s]+\}", value):
        return [value]
    allowed = re.search(r"allowed values: ([\w, ]+?) \(default", described)
    return ["{" + allowed[1].replace(" ", "") + "}"] if allowed else ["VALUE"]


def of_vllm(text: str) -> str:
    """The list in `vllm serve --help=all`, as argparse prints it."""
    heads = [line.strip() for line in text.splitlines() if re.match(r"  --?[a-zA-Z]", line)]
    return "".join(f"{line}\n" for line in dict.fromkeys(map(_vllm_line, heads)))


def _vllm_line(head: str) -> str:
    """argparse repeats what follows an option behind each of its spellings, and the description after two blanks."""
    head = re.split(r"\s{2,}", head)[0]
    names: list[str] = []
    value = ""
    for part in re.split(r", (?=-)", head):
        name, _, value = part.partition(" ")
        names.append(name)
    return " ".join([*names, *_vllm_values(value.strip())])


def _vllm_values(value: str) -> list[str]:
    if not value:
        return []
    if value.endswith("...]"):
        return ["VALUE..."]
    if re.fullmatch(r"\[[A-Z_]+\]", value):
        return ["[VALUE]"]
    if re.fullmatch(r"\{[^{}]+\}", value):
        return [value.replace(" ", "")]
    return ["VALUE"]


if __name__ == "__main__":
    sys.stdout.write({"llama.cpp": of_llama_server, "vllm": of_vllm}[sys.argv[1]](sys.stdin.read()))
