"""The classifier that both bentos serve: a matrix of weights in a file beside this one. Imports numpy and pydantic."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from features import COLUMNS, counts
from numpy.typing import NDArray
from pydantic import BaseModel

_FOLDER = Path(__file__).parent
WEIGHTS, LANGUAGES = _FOLDER / "weights.f32", _FOLDER / "languages.json"


class Answer(BaseModel):
    """A language by its ISO 639-1 code, and how sure the model is, 0 to 1."""

    language: str
    confidence: float


@dataclass(frozen=True)
class Model:
    """`weights`: one row a language, one column an n-gram's hash; the logarithm of how likely it is there."""

    languages: Sequence[str]
    weights: NDArray[np.float32]

    @classmethod
    def load(cls) -> Model:
        """From the files that make.py wrote. Raises OSError where one is missing."""
        languages = json.loads(LANGUAGES.read_text())
        return cls(languages, np.fromfile(WEIGHTS, dtype="<f4").reshape(len(languages), COLUMNS))

    @staticmethod
    def rows(texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts as rows of counts."""
        rows = np.zeros((len(texts), COLUMNS), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for column, count in counts(text).items():
                row[column] = count
        return rows

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The log-likelihood of each row (of its n-grams' mean, so that length does not feign certainty)."""
        total = np.maximum(rows.sum(axis=1, keepdims=True), 1)
        return np.asarray(rows @ self.weights.T / np.sqrt(total), dtype=np.float32)

    def answers(self, scores: NDArray[np.float32]) -> list[Answer]:
        """The likeliest language of each row with its share of the softmax."""
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        best = likely.argmax(axis=1)
        return [
            Answer(language=self.languages[one], confidence=row[one]) for row, one in zip(likely, best, strict=True)
        ]
