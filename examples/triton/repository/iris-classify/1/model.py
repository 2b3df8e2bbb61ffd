"""Runs the ONNX model beside it with ONNX Runtime, a whole batch at once. Runs inside Triton's python backend."""

import json
from pathlib import Path

import numpy
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """One session an instance, on the cores that its parameters allow."""

    def initialize(self, args):
        parameters = json.loads(args["model_config"])["parameters"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameters.get("threads", {"string_value": "1"})["string_value"])
        file = Path(args["model_repository"], args["model_version"], "model.onnx")
        self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def execute(self, requests):
        rows = [pb_utils.get_input_tensor_by_name(request, "scaled").as_numpy() for request in requests]
        [probabilities] = self._session.run(["probabilities"], {"scaled": numpy.concatenate(rows)})
        ends = numpy.cumsum([len(part) for part in rows])[:-1]
        return [_response(part) for part in numpy.split(probabilities, ends)]


def _response(probabilities):
    return pb_utils.InferenceResponse([pb_utils.Tensor("probabilities", probabilities)])
