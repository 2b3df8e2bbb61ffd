"""Which engine an image serves, in CEL: `policies.resources.workloads.engine_of_image` for the API server.

Imports the workloads. An expression is about a variable `image`, a reference as the object has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from policies.cel import quoted
from policies.resources.workloads import ENGINE_BY_REPOSITORY, NIM_REGISTRY, NOT_A_SERVER

# What may stand behind a repository's last part.
_PINNED = "(:[^/:@]*)?(@.*)?$"
_REPOSITORY = f"image.find({quoted('^([^@]*/)?[^/:@]*')})"


def serves(further: Iterable[str]) -> str:
    """Whether the image is a model server's, or one that the settings' engineImages name."""
    own = "".join(f" || {_REPOSITORY}.matches({quoted(f'^{of_glob(pattern)}$')})" for pattern in further)
    return f"image.startsWith({quoted(NIM_REGISTRY)}){own} || ({_is_server(ENGINE_BY_REPOSITORY)})"


def serves_on(engine: str) -> str:
    """Whether the image is a server of this engine: the first pattern that fits names it."""
    patterns = list(ENGINE_BY_REPOSITORY)
    first = next(index for index, name in enumerate(ENGINE_BY_REPOSITORY.values()) if name == engine)
    return (
        f"!image.startsWith({quoted(NIM_REGISTRY)}) && {_is_server([patterns[first]])}"
        f" && !image.matches({quoted(_named(patterns[:first]))})"
    )


def _is_server(patterns: Iterable[str]) -> str:
    beside = f"(?i:{NOT_A_SERVER.pattern})[^/:@]*{_PINNED}"
    return f"image.matches({quoted(_named(patterns))}) && !image.matches({quoted(beside)})"


def _named(patterns: Iterable[str]) -> str:
    """Whether one of the last two parts of the repository is so called."""
    within = "|".join(pattern.replace(".*", "[^/:@]*") for pattern in patterns)
    return f"^([^@]*/)?(?i:{within})(:[0-9]+)?(/[^/:@]*)?{_PINNED}"


def of_glob(pattern: str) -> str:
    """The regular expression of a pattern of `fnmatch`, whose `*` crosses slashes; Python's own RE2 does not read."""
    translated = (
        {"*": ".*", "?": "."}.get(part) or (part.replace("[!", "[^", 1) if part[0] == "[" else re.escape(part))
        for part in re.findall(r"\[[^]]+\]|.", pattern)
    )
    return "".join(translated)
