"""How a bento's block is resolved: settings, drain, size, and the arguments of a pipeline's stages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from substrate.facts.bentoml import IMAGE_USER
from substrate.plan import ServerPlan
from substrate.values import Bytes, Cores
from tests.stacks import document, plan_document, server

IMAGE = "registry.example/iris:1.0.0"
WEIGHTS = {"from": "s3://bentos/iris/", "files": {"bento.yaml": {"sha256": "a" * 64, "size": "100Mi"}}}
STAGES = {
    "prepare": {"service": "Prepare", "cpus": "250m"},
    "score": {"service": "Score", "depends": ["prepare"], "replicas": 2, "memory": "3Gi"},
    "entry": {"service": "Pipeline", "depends": ["score"], "cpus": "100m"},
}


@pytest.fixture
def planned(tmp_path):
    def plan(
        stack: str = "local", pool: str = "cpu", bento: dict[str, Any] | None = None, **settings: Any
    ) -> ServerPlan:
        data = document(stack)
        block = {
            "pool": pool,
            "foundation": "bentoml",
            "bento": {"image": IMAGE} if bento is None else bento,
            **settings,
        }
        data["config"]["substrate:models"] = {"iris": block}
        return server(plan_document(data, tmp_path, stack), "iris")

    return plan


def overrides(plan: ServerPlan) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plan.engine.environment["BENTOML_CONFIG_OVERRIDES"])["services"]
    return found


def test_image_that_holds_its_bento_needs_no_store_and_runs_under_its_own_user(planned):
    iris = planned()

    assert (iris.engine.image, iris.claim, iris.model.weights) == (IMAGE, None, None)
    assert iris.bento and iris.bento.user == IMAGE_USER


def test_staged_bento_is_run_by_the_runner_where_the_image_looks_for_it(planned):
    iris = planned(bento={"memory": "1Gi"}, weights=WEIGHTS)

    assert iris.engine.image.partition(":")[0] == "substrate.local/bentoml"
    assert iris.model.mount == iris.engine.environment["BENTO_PATH"] == "/home/bentoml/bento"
    assert iris.bento and iris.bento.user is None


def test_settings_stand_under_their_services_name_where_no_decorator_wins(planned):
    services = {"Iris": {"workers": 2, "timeout": "1m30s", "maxConcurrency": 32}}
    iris = planned(bento={"image": IMAGE, "services": services})

    assert overrides(iris)["Iris"] == {
        "workers": 2,
        "traffic": {"timeout": 90, "max_concurrency": 32},
        "runner_probe": {"enabled": False},
    }


def test_dead_stage_does_not_take_the_others_out_of_their_services(planned):
    found = overrides(planned(bento={"stages": STAGES}, weights=WEIGHTS))

    assert found.pop("runner_probe") == {"enabled": False}
    assert found.keys() == {"Prepare", "Score", "Pipeline"}
    assert all(each["runner_probe"] == {"enabled": False} for each in found.values())


@pytest.mark.parametrize(("timeout", "grace"), [("5m", 330), ("10s", 90)])
def test_pod_is_given_as_long_to_end_as_a_request_may_take(planned, timeout, grace):
    """15 s before SIGTERM and 15 s to exit; a service that is not named keeps BentoML's 60 s."""
    assert planned(bento={"image": IMAGE, "services": {"Iris": {"timeout": timeout}}}).grace == grace


def test_memory_is_the_blocks_else_what_the_files_take_twice_and_a_service(planned):
    assert planned().resources.memory == Bytes.parse("512Mi")
    assert planned(bento={"image": IMAGE, "memory": "2Gi"}).resources.memory == Bytes.parse("2Gi")
    assert planned(bento={}, weights=WEIGHTS).resources.memory == Bytes.parse("712Mi")


def test_server_whose_workers_died_ends_and_nothing_is_written_outside_the_scratch_volume(planned):
    environment = planned().engine.environment

    assert environment["BENTOML_CONTAINERIZED"] == "true"
    assert environment["BENTOML_DO_NOT_TRACK"] == "True"
    assert environment["BENTOML_HOME"].startswith("/tmp/") and environment["HOME"] == "/tmp"


def test_entry_names_no_service_since_bentoml_unpickles_for_any_but_the_bentos_own(planned):
    iris = planned(bento={"stages": STAGES}, weights=WEIGHTS)

    assert not [argument for argument in iris.engine.args if "service-name" in argument]


def test_entry_is_told_every_stage_since_it_would_run_the_others_itself(planned):
    iris = planned(bento={"stages": STAGES}, weights=WEIGHTS)

    assert iris.engine.args == (
        "start-http-server",
        "--port=3000",
        "--depends=Prepare=http://iris-bentoml-prepare.home:3000",
        "--depends=Score=http://iris-bentoml-score.home:3000",
    )


def test_stage_runs_its_service_alone_and_knows_whom_it_asks(planned):
    iris = planned(bento={"stages": STAGES}, weights=WEIGHTS)
    assert iris.bento
    prepare, score = iris.bento.stages

    assert prepare.args == ("start-http-server", "--service-name=Prepare", "--port=3000")
    assert score.args[1:] == (
        "--service-name=Score",
        "--port=3000",
        "--depends=Prepare=http://iris-bentoml-prepare.home:3000",
    )
    assert (prepare.asked_by, prepare.asked_by_entry) == (("score",), False)
    assert (score.asked_by, score.asked_by_entry) == ((), True)


def test_each_stage_has_its_own_size_and_what_it_leaves_open_is_the_bentos(planned):
    iris = planned(bento={"stages": STAGES, "memory": "1Gi"}, weights=WEIGHTS, replicas={"min": 3}, cpus=1)
    assert iris.bento
    prepare, score = iris.bento.stages

    assert (str(iris.resources.cpus), iris.min_replicas) == ("100m", 3)
    assert (prepare.replicas, prepare.resources.cpus, prepare.resources.memory) == (1, Cores(0.25), Bytes.parse("1Gi"))
    assert (score.replicas, score.resources.cpus, score.resources.memory) == (2, 1, Bytes.parse("3Gi"))


def test_gpus_are_the_stages_that_ask_for_them(planned):
    stages = {**STAGES, "score": {**STAGES["score"], "gpus": 1}}
    iris = planned("fleet", "l4", {"stages": stages, "image": IMAGE}, team="search")
    assert iris.bento
    prepare, score = iris.bento.stages

    assert (iris.resources.gpus, iris.resources.gpu_resource) == (0, None)
    assert (prepare.resources.gpus, prepare.resources.gpu_resource) == (0, None)
    assert (score.resources.gpus, score.resources.gpu_resource) == (1, "nvidia.com/gpu")


def test_bento_speaks_for_itself_at_its_url(planned):
    assert planned().model.endpoint == "custom"


@pytest.mark.parametrize(("cores", "surge"), [(2, 1), (1, 0)])
def test_pipeline_surges_only_where_the_pool_has_cores_for_one_more_of_each_stage(tmp_path, cores, surge):
    """The stages hold 0.7 cores and roll side by side, which takes 0.5 more: one of each."""
    data = document("local")
    stages = {name: {**stage, "cpus": cpus} for (name, stage), cpus in zip(STAGES.items(), ("250m", "200m", "50m"))}  # noqa: B905
    data["config"]["substrate:pools"]["cpu"]["nodeCpus"] = cores
    data["config"]["substrate:models"] = {
        "iris": {"pool": "cpu", "foundation": "bentoml", "bento": {"image": IMAGE, "stages": stages}, "cpus": 1}
    }

    assert server(plan_document(data, tmp_path, "local"), "iris").rollout.max_surge == surge
