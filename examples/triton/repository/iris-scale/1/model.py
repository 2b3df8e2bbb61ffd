"""Scales the measurements of an iris as its classifier was trained to see them. Runs inside Triton's python backend."""

import numpy
import triton_python_backend_utils as pb_utils

# Fisher's 150 irises: sepal length, sepal width, petal length, petal width in centimetres.
_MEANS = numpy.array([5.843, 3.057, 3.758, 1.199], dtype=numpy.float32)
_DEVIATIONS = numpy.array([0.825, 0.434, 1.759, 0.760], dtype=numpy.float32)


class TritonPythonModel:
    """Rows of a batch are scaled together; a batch of requests comes as one list."""

    def execute(self, requests):
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        measurements = pb_utils.get_input_tensor_by_name(request, "measurements").as_numpy()
        scaled = (measurements - _MEANS) / _DEVIATIONS
        return pb_utils.InferenceResponse([pb_utils.Tensor("scaled", scaled)])
