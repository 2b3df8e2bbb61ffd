"""What must be known of KServe before anything of it is made: versions, kinds, names. Imports the standard library.

Read on 2026-11-24 in KServe 0.19.0 (its charts, definitions and controllers).
"""

from __future__ import annotations

INFERENCE_SERVICE = "InferenceService"
LLM_INFERENCE_SERVICE = "LLMInferenceService"
# Before 0.16 the mode `Standard` did not exist (kserve#4701); 0.19 is what the tests run.
OLDEST, NEWEST = (0, 16), (0, 21)
# The version of LLMInferenceService that is written here.
LLM_VERSION = "v1alpha2"
# Where the official charts install it.
NAMESPACE = "kserve"
TRANSFORMER, EXPLAINER, PREDICTOR = "transformer", "explainer", "predictor"
# Port of a transformer or an explainer: KServe tells the program so by its last argument, `--http_port 8080`.
PART_PORT = 8080


def supported(version: tuple[int, int]) -> bool:
    return OLDEST <= version <= NEWEST


def shown(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
