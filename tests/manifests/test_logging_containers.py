"""The containers that log payloads: who listens where on each foundation, and what the pod asks for and waits for."""

from __future__ import annotations

from typing import Any

import pytest

from substrate.manifests import bento, kserve, llm_inference_service, model, serving
from substrate.plan import ServerPlan
from tests.stacks import document, plan_document, plan_of, server

MODEL = "smollm2-135m"
LOGGING = {
    "sink": "https://events.audit/x",
    "sample": "5%",
    "redact": ["messages.content", "prompt"],
    "secretRef": "key",
}


def planned(folder: Any, logging: dict[str, Any] | None = None, **block: Any) -> ServerPlan:
    data = document("local")
    data["config"]["substrate:models"][MODEL] |= {"logging": LOGGING if logging is None else logging, **block}
    data["config"]["substrate:cluster"]["knativeGateway"] = {"service": "kourier-internal", "namespace": "kourier"}
    return server(plan_document(data, folder), MODEL)


def predictor(one: ServerPlan) -> dict[str, Any]:
    assert one.kserve
    found: dict[str, Any] = kserve.inference_service(one, one.kserve)["spec"]["predictor"]
    return found


def pod(one: ServerPlan) -> dict[str, Any]:
    found: dict[str, Any] = serving.template(one)["spec"]
    return found


def ports(container: dict[str, Any]) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container["ports"]}


KSERVE = {"foundation": "kserve"}
KNATIVE = {"foundation": "kserve", "kserve": {"mode": "Knative"}}


@pytest.mark.parametrize("block", [{}, KSERVE, KNATIVE])
def test_models_that_do_not_log_have_no_word_of_it(tmp_path, block):
    one = planned(tmp_path, {"log": "none"}, **block)
    spec = predictor(one) if block else pod(one)

    assert one.logging is None
    assert not {"initContainers", "logger"} & set(spec)
    assert model.service(one, one.model)["spec"]["ports"][0]["targetPort"] == (8012 if block == KNATIVE else "http")


def test_the_port_that_the_service_sends_to_is_the_sidecars_and_the_probes_ask_the_engine(tmp_path):
    spec = pod(planned(tmp_path))
    (sidecar,), (engine,) = spec["initContainers"], spec["containers"]

    assert ports(sidecar) == {"http": 8081, "log-metrics": 9903}
    assert ports(engine) == {"engine": 8080}
    assert {engine[probe]["httpGet"]["port"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")} == {8080}
    assert sidecar["restartPolicy"] == "Always"
    assert "-engine=http://127.0.0.1:8080" in sidecar["args"]


def test_all_of_the_block_reaches_the_program_and_the_key_by_the_secret_alone(tmp_path):
    (sidecar,) = pod(planned(tmp_path))["initContainers"]

    assert {
        "-sink=https://events.audit/x",
        f"-model={MODEL}",
        "-namespace=home",
        "-log=both",
        "-sample=0.05",
        "-redact=messages.content",
        "-redact=prompt",
        "-max-payload=1048576",
    } <= set(sidecar["args"])
    key = {"secretKeyRef": {"name": "key", "key": "authorization"}}
    assert {"name": "PAYLOAD_SINK_AUTHORIZATION", "valueFrom": key} in sidecar["env"]


@pytest.mark.parametrize(("log", "mode"), [("both", "all"), ("requests", "request"), ("responses", "response")])
def test_kserve_logs_by_its_own_logger_to_the_relay_in_the_pod(tmp_path, log, mode):
    found = predictor(planned(tmp_path, {"sink": "http://s/", "log": log}, **KSERVE))
    (relay,) = found["initContainers"]

    assert found["logger"] == {"mode": mode, "url": "http://127.0.0.1:9082"}
    assert {"-relay", "-listen=127.0.0.1:9082", f"-log={log}"} <= set(relay["args"])
    assert "containers" not in found


def test_the_service_finds_kserves_agent_by_the_name_that_it_always_sends_to(tmp_path):
    """A number would be wrong for the pods from before, for as long as they still answer."""
    one = planned(tmp_path, **KSERVE)
    (relay,) = predictor(one)["initContainers"]

    assert model.service(one, one.model)["spec"]["ports"][0]["targetPort"] == "http"
    assert ports(relay)["http"] == 9081
    assert ports(predictor(one)["model"]) == {"engine": 8080}


def test_kserves_agent_is_told_the_port_of_the_probe_by_number(tmp_path):
    """It knows no port by its name: "invalid port :http"."""
    assert predictor(planned(tmp_path, **KSERVE))["model"]["readinessProbe"]["httpGet"]["port"] == 8080


def test_knative_gets_the_relay_as_an_ordinary_container_that_outlives_the_agent(tmp_path):
    found = predictor(planned(tmp_path, **KNATIVE))
    (relay,) = found["containers"]

    assert found["logger"]["url"] == "http://127.0.0.1:9082"
    assert "-linger=35s" in relay["args"]
    assert not {"ports", "startupProbe", "livenessProbe", "restartPolicy"} & set(relay)
    assert "initContainers" not in found


@pytest.mark.parametrize(("block", "cpu"), [({}, "950m"), (KSERVE, "850m")])
def test_a_replica_asks_for_the_cores_that_the_pool_counts_whoever_runs_in_its_pod(tmp_path, block, cpu):
    """50m ours, 100m KServe's agent; the engine has no limit and may use what they do not."""
    one = planned(tmp_path, **block)
    engine = predictor(one)["model"] if block else pod(one)["containers"][0]

    assert one.resources.cpus == 1
    assert engine["resources"]["requests"]["cpu"] == cpu
    assert "cpu" not in engine["resources"]["limits"]


@pytest.mark.parametrize("block", [{}, KSERVE])
def test_the_pod_waits_for_what_the_logger_still_holds(tmp_path, block):
    silent, logs = planned(tmp_path, {"log": "none"}, **block), planned(tmp_path, **block)

    assert logs.grace == silent.grace + 10
    assert logs.logging and f"-drain={logs.logging.drain:.0f}s" in payload_logger(logs)["args"]


def payload_logger(one: ServerPlan) -> dict[str, Any]:
    found: dict[str, Any] = (predictor(one) if one.kserve else pod(one))["initContainers"][0]
    return found


def test_the_program_fits_into_its_memory_with_the_collectors_help(tmp_path):
    sidecar = payload_logger(planned(tmp_path))

    assert sidecar["resources"]["limits"] == {"memory": "128Mi"}
    assert {"name": "GOMEMLIMIT", "value": "100MiB"} in sidecar["env"]


@pytest.mark.parametrize("stack", ["local", "homelab"])
def test_shipped_stacks_log_nothing(stack):
    assert all(one.logging is None for one in plan_of(stack).servers)


def test_object_of_kserves_that_has_no_logger_of_its_own_gets_the_sidecar(tmp_path):
    """An LLMInferenceService: its controller puts no agent in, and the Service would send to nobody."""
    data = document("fleet")
    models = data["config"]["substrate:models"]
    name = next(name for name in models if server(plan_of("fleet"), name).engine.name == "vllm")
    changes = {"foundation": "kserve", "kserve": {"resource": "LLMInferenceService"}, "replicas": {"min": 1, "max": 1}}
    data["config"]["substrate:models"] = {name: {**models[name], **changes, "logging": LOGGING}}
    data["config"]["substrate:defaults"]["images"] = {"payload-logger": "registry.local/payload-logger:0.1.0"}
    one = server(plan_document(data, tmp_path, "fleet"), name)
    template = llm_inference_service.template(one)
    (sidecar,), (engine,) = template["initContainers"], template["containers"]

    assert ports(sidecar)["http"] == 8081
    assert f"-engine=http://127.0.0.1:{one.engine.port}" in sidecar["args"]
    assert "http" not in ports(engine)
    assert one.logging and str(one.logging.cpus) == "50m"


def test_pipeline_of_bentos_is_logged_at_its_entry_alone(tmp_path):
    """What BentoML sends between stages are pickles, and their Services name the engine's port."""
    data = document("local")
    stages = {"score": {"service": "Score"}, "entry": {"service": "Pipeline", "depends": ["score"], "cpus": "500m"}}
    weights = {"from": "s3://bentos/iris/", "files": {"bento.yaml": {"sha256": "a" * 64, "size": "1Mi"}}}
    block = {"pool": "cpu", "foundation": "bentoml", "weights": weights, "bento": {"stages": stages}}
    data["config"]["substrate:models"] = {"iris": {**block, "logging": LOGGING}}
    one = server(plan_document(data, tmp_path), "iris")
    assert one.bento
    entry = bento.deployment(one, one.bento)["spec"]["template"]["spec"]
    others = [each for each in bento.stage_objects(one, one.bento) if each["kind"] == "Deployment"]

    assert ports(entry["initContainers"][0])["http"] == 8081
    assert entry["containers"][0]["resources"]["requests"]["cpu"] == "450m"
    assert len(others) == 1
    assert "payload-logger" not in str(others)
    assert ports(others[0]["spec"]["template"]["spec"]["containers"][0])["http"] == one.engine.port
