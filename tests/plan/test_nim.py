"""A NIM image is told what its model is, by variables; its key comes from a Secret; nothing is fetched at its start."""

from __future__ import annotations

from substrate.manifests import serving
from tests.engine_plans import generated


def test_every_plan_tells_the_image_its_models_name_context_and_gpus() -> None:
    for server in generated("nim"):
        told = server.engine.environment
        assert told["NIM_SERVED_MODEL_NAME"] == server.model.served_name
        assert told["NIM_MAX_MODEL_LEN"] == str(server.model.context)
        assert told["NIM_TENSOR_PARALLEL_SIZE"] == str(server.resources.gpus)
        assert told["NIM_MODEL_PATH"] == server.model.mount


def test_image_is_the_models_own_and_is_pulled_with_the_secret_that_it_names() -> None:
    server = generated("nim")[0]
    pod = serving.pod_fields(server)

    assert pod["containers"][0]["image"] == "nvcr.io/nim/org/model:2.0.1"
    assert pod["imagePullSecrets"] == [{"name": "ngc-pull"}]


def test_key_is_taken_from_the_secret_and_stands_nowhere_else() -> None:
    (container,) = serving.pod_fields(generated("nim")[0])["containers"]
    (key,) = (each for each in container["env"] if each["name"] == "NGC_API_KEY")

    assert key == {"name": "NGC_API_KEY", "valueFrom": {"secretKeyRef": {"name": "ngc-key", "key": "NGC_API_KEY"}}}


def test_ready_means_that_the_model_answers_and_the_endpoint_is_openais() -> None:
    server = generated("nim")[0]

    assert (server.engine.health_path, server.engine.metrics_path, server.engine.port) == (
        "/v1/health/ready",
        "/v1/metrics",
        8000,
    )
    assert server.model.endpoint == "openai"
