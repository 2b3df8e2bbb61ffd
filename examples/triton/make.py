"""Writes the example's model repository for Triton, its ONNX model included. Imports the standard library only.

python -m examples.triton.make FOLDER
"""

from __future__ import annotations

import argparse
import shutil
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parent / "repository"
_SEVEN_BITS, _MORE_FOLLOWS = 0x7F, 0x80
_FLOAT = 1  # TensorProto.DataType
_INT = 2  # AttributeProto.AttributeType
_IR_VERSION, _OPSET = 8, 13  # of 2021: every server in use reads them

# Multinomial logistic regression (scikit-learn 1.9's defaults) on Fisher's irises, measurements standardised as
# iris-scale does it; right for 146 of the 150. Rows: setosa, versicolor, virginica.
_WEIGHTS = ((-1.077, 1.159, -1.928, -1.811), (0.590, -0.363, -0.365, -0.827), (0.487, -0.797, 2.293, 2.639))
_BIASES = (-0.204, 2.075, -1.871)


def make(folder: Path) -> None:
    """Fill `folder` with the repository: iris-scale, iris-classify, and the ensemble iris of the two."""
    shutil.copytree(REPOSITORY, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "iris" / "1").mkdir(exist_ok=True)  # an ensemble has a version like any model, and no file in it
    (folder / "iris-classify" / "1" / "model.onnx").write_bytes(classifier())


def classifier() -> bytes:
    """The ONNX model: softmax(scaled x weights' + biases), for any number of rows.

    Field numbers: onnx.proto3 of ONNX 1.8, unchanged since.
    """
    return _fields((1, _IR_VERSION), (2, "substrate"), (7, _graph()), (8, _fields((1, ""), (2, _OPSET))))


def _graph() -> bytes:
    logits = _node("Gemm", ("scaled", "weights", "biases"), "logits", _fields((1, "transB"), (3, 1), (20, _INT)))
    return _fields(
        (1, logits),
        (1, _node("Softmax", ("logits",), "probabilities")),
        (2, "iris-classify"),
        (5, _tensor("weights", (3, 4), [weight for row in _WEIGHTS for weight in row])),
        (5, _tensor("biases", (3,), _BIASES)),
        (11, _value("scaled", 4)),
        (12, _value("probabilities", 3)),
    )


def _node(operator: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    named = [(1, name) for name in inputs]
    return _fields(*named, (2, output), (4, operator), *((5, attribute) for attribute in attributes))


def _tensor(name: str, shape: Sequence[int], values: Sequence[float]) -> bytes:
    data = struct.pack(f"<{len(values)}f", *values)
    return _fields(*((1, size) for size in shape), (2, _FLOAT), (8, name), (9, data))


def _value(name: str, columns: int) -> bytes:
    """A matrix of any number of rows."""
    shape = _fields((1, _fields((2, "rows"))), (1, _fields((1, columns))))
    return _fields((1, name), (2, _fields((1, _fields((1, _FLOAT), (2, shape))))))


def _fields(*fields: tuple[int, int | str | bytes]) -> bytes:
    """A protobuf message: a number is a varint, text and bytes (a message, too) are preceded by their length."""
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    if value <= _SEVEN_BITS:
        return bytes((value,))
    return bytes((value & _SEVEN_BITS | _MORE_FOLLOWS,)) + _varint(value >> 7)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.triton.make", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the repository is written; made if need be")
    folder = parser.parse_args(arguments).folder
    try:
        make(folder)
    except OSError as error:
        print(f"error: {error.filename or folder}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"{folder}: iris-scale, iris-classify and the ensemble iris")
    return 0


if __name__ == "__main__":
    sys.exit(main())
