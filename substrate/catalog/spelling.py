"""The nearest right spelling of a name, and nothing when that would be a guess. Imports the standard library only."""

from __future__ import annotations

from collections.abc import Iterable

# Beyond two edits a suggestion is more often wrong than right; below four letters even two are a different word.
FAR = 2
SHORT = 4
# Among more names than this a typing error is not looked for: it would take longer than reading the list.
MANY = 1000


def distance(left: str, right: str, limit: int = FAR) -> int:
    """Edits between two words: insert, drop, replace, swap of neighbours. More than `limit` count as `limit + 1`."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(right, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The one allowed word closest to `word`; None when none is near or two are equally near."""
    words = sorted(set(allowed))
    if len(words) > MANY:
        return None
    same = [other for other in words if _plain(other) == _plain(word)]
    if len(same) == 1:
        return same[0]
    limit = FAR if len(word) >= SHORT else 1
    near = [other for other in words if abs(len(other) - len(word)) <= limit]
    ranked = sorted(pair for pair in ((distance(word, other, limit), other) for other in near) if pair[0] <= limit)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][1]


def _plain(word: str) -> str:
    """Without case and separators: `served_name` and `gpus-per-node` are not typing errors but other habits."""
    return word.casefold().replace("_", "").replace("-", "")
