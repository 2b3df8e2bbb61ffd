"""Writes the example's build context for `bentoml build`, its trained weights included. Standard library only.

python -m examples.bento.make FOLDER
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import struct
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from examples.bento.context.features import COLUMNS, counts

CONTEXT = Path(__file__).parent / "context"
_SENTENCES = Path(__file__).parent / "sentences.txt"
_SMOOTHING = 0.1  # counted for every column, so that an n-gram never seen does not rule a language out


def make(folder: Path) -> None:
    """Fill `folder` with the sources, the trained model, the bentofiles language.yaml and language-pipeline.yaml."""
    shutil.copytree(CONTEXT, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    model = trained(_sentences())
    (folder / "languages.json").write_text(json.dumps(sorted(model)))
    (folder / "weights.f32").write_bytes(b"".join(_row(model[language]) for language in sorted(model)))


def trained(sentences: Iterator[tuple[str, str]]) -> Mapping[str, Counter[int]]:
    """All n-grams of each language, counted: multinomial naive Bayes learns nothing else."""
    model: dict[str, Counter[int]] = {}
    for language, sentence in sentences:
        model.setdefault(language, Counter()).update(counts(sentence))
    return model


def _sentences() -> Iterator[tuple[str, str]]:
    for line in _SENTENCES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            language, _, sentence = line.partition("\t")
            yield language, sentence


def _row(seen: Counter[int]) -> bytes:
    """The logarithm of each column's smoothed share, as little-endian 32-bit floats."""
    total = seen.total() + _SMOOTHING * COLUMNS
    return struct.pack(f"<{COLUMNS}f", *(math.log((seen[column] + _SMOOTHING) / total) for column in range(COLUMNS)))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.bento.make", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the build context is written; made if need be")
    folder = parser.parse_args(arguments).folder
    try:
        make(folder)
    except OSError as error:
        print(f"error: {error.filename or folder}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"{folder}: build with `bentoml build --bentofile language.yaml {folder}` (or language-pipeline.yaml)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
