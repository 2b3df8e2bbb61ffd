"""The front door: which models it knows and how it reaches them, what its pod may do, and what a change of it costs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from substrate.manifests import envoy, front_door, front_door_network, labels, model
from substrate.manifests.envoy import api
from substrate.plan import FrontDoorPlan, StackPlan, UpstreamPlan
from substrate.values import Bytes
from tests.stacks import STACKS, document, plan_document, plan_of

MODEL = "smollm2-135m"
CONFIG_MAP_BYTES = 1024**2  # more than that a ConfigMap cannot hold
# As many as a stack file that Pulumi can hand on to its program: 128 KiB, some 400 bytes a model.
MANY = 330


def door(plan: StackPlan) -> FrontDoorPlan:
    assert plan.front_door
    return plan.front_door


def changed(tmp_path: Any, stack: str = "local", **block: Any) -> FrontDoorPlan:
    """A shipped stack with keys of the front door's block."""
    data = document(stack)
    data["config"]["substrate:frontDoor"] = block
    return door(plan_document(data, tmp_path, stack))


def template(plan: FrontDoorPlan) -> Any:
    return front_door.deployment(plan)["spec"]["template"]


def test_stack_without_the_block_has_no_front_door(tmp_path):
    data = document("local")
    del data["config"]["substrate:frontDoor"]

    assert plan_document(data, tmp_path).front_door is None


@pytest.mark.parametrize("stack", STACKS)
def test_each_model_of_each_team_stands_behind_it_at_its_own_service(stack):
    plan = plan_of(stack)
    reached = {(model.served_name, model.host, model.port, model.authority) for model in door(plan).models}

    assert reached == {
        (server.model.served_name, f"{server.name}.{server.namespace}.svc.cluster.local", 80, None)
        for server in plan.servers
        if server.model.endpoint == "openai"
    }


def test_knative_model_is_reached_by_its_gateway_under_its_own_name(tmp_path):
    data = document("local")
    data["config"]["substrate:models"][MODEL] |= {"foundation": "kserve", "kserve": {"mode": "Knative"}}
    data["config"]["substrate:cluster"]["knativeGateway"] = {"service": "kourier-internal", "namespace": "kourier"}
    plan = door(plan_document(data, tmp_path))
    routes = json.loads(envoy.files(plan)[api.ROUTES])["resources"][0]["virtual_hosts"][0]["routes"]
    (action,) = [route["route"] for route in routes if "route" in route]

    assert plan.models[0].host == "kourier-internal.kourier.svc.cluster.local"
    assert action["host_rewrite_literal"] == f"{MODEL}-kserve-predictor.home.svc.cluster.local"


def test_its_address_is_v1_below_the_base_url_and_its_route_leads_there_unchanged():
    plan = door(plan_of("local"))
    (rule,) = front_door.route(plan)["spec"]["rules"]

    assert plan.url == "http://127.0.0.1:8080/v1"
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/v1"}}]
    assert "filters" not in rule
    assert rule["timeouts"] == {"request": "0s"}, "an answer may take as long as it takes"


def test_new_model_changes_no_file_that_needs_new_pods():
    before = door(plan_of("local"))
    after = replace(before, models=(*before.models, UpstreamPlan("new", "new", "new.home.svc.cluster.local", 80, None)))

    assert template(after) == template(before)
    assert front_door.config_map(after) != front_door.config_map(before)


@pytest.mark.parametrize("block", [{"maxBodySize": "16Mi"}, {"keysSecretRef": "keys"}], ids=str)
def test_what_envoy_reads_only_at_its_start_makes_new_pods(tmp_path, block):
    digest = f"{labels.DOMAIN}/bootstrap-digest"
    before, after = (
        template(plan)["metadata"]["annotations"] for plan in (changed(tmp_path), changed(tmp_path, **block))
    )

    assert before[digest] != after[digest]


def test_memory_grows_with_the_largest_request_and_envoy_knows_it(tmp_path):
    plan = changed(tmp_path, maxBodySize="32Mi")
    (container,) = template(plan)["spec"]["containers"]
    bootstrap = json.loads(envoy.files(plan)[envoy.BOOTSTRAP])
    heap = bootstrap["overload_manager"]["resource_monitors"][0]["typed_config"]["max_heap_size_bytes"]

    assert container["resources"]["limits"]["memory"] == "4Gi"
    assert heap == 4 * 1024**3
    assert bootstrap["static_resources"]["listeners"][0]["per_connection_buffer_limit_bytes"] == 32 * 1024**2
    assert changed(tmp_path, maxBodySize="64Ki").memory == Bytes(512 * 1024**2), "it needs some at rest"


def test_no_core_is_taken_where_cores_are_counted_out_to_models_and_some_elsewhere():
    requests = {stack: template(door(plan_of(stack)))["spec"]["containers"][0]["resources"] for stack in STACKS}

    assert {stack: found["requests"]["cpu"] for stack, found in requests.items()} == {
        "local": "0",
        "homelab": "100m",
        "fleet": "100m",
    }


def test_pod_passes_pod_security_restricted_and_writes_nothing_to_its_root():
    pod = template(door(plan_of("local")))["spec"]
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")] == ["/tmp"]


def test_pod_runs_on_a_models_node_only_where_there_is_no_other():
    """A machine at home may have one node, whose taint keeps everything off that does not know it."""
    pod = template(door(plan_of("homelab")))["spec"]
    (preferred,) = pod["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]

    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert preferred["preference"]["matchExpressions"] == [{"key": "substrate.dev/pool", "operator": "DoesNotExist"}]
    assert "nodeSelector" not in pod


def test_its_last_answers_have_their_time_when_it_is_replaced():
    pod = template(door(plan_of("local")))["spec"]
    drained = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert drained < pod["terminationGracePeriodSeconds"]
    assert front_door.deployment(door(plan_of("local")))["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_keys_are_asked_for_only_where_the_stack_names_them(tmp_path):
    for block, asked in (({}, False), ({"keysSecretRef": "clients"}, True)):
        plan = changed(tmp_path, **block)
        secrets = [volume["secret"]["secretName"] for volume in template(plan)["spec"]["volumes"] if "secret" in volume]
        filters = envoy.files(plan)[envoy.BOOTSTRAP]

        assert secrets == (["clients"] if asked else [])
        assert (api.KEYS_FILE in filters) == asked


def test_every_object_can_be_selected_by_a_teams_network_policy():
    plan = door(plan_of("fleet"))
    policies = front_door_network.policies(plan)
    for found in (front_door.namespace(plan), *policies, *front_door.objects(plan), template(plan)):
        assert found["metadata"]["labels"]["app.kubernetes.io/component"] == "front-door"


def test_as_many_models_as_a_stack_can_have_fit_a_config_map():
    """With names as long as they may be, in a cluster behind Knative's gateway, which says the most of each."""
    long = [f"{number:03}{'m' * 37}" for number in range(MANY)]
    models = tuple(UpstreamPlan(name, f"org/{name}", f"kourier.{'n' * 40}", 80, f"{name}.{'n' * 40}") for name in long)
    files = envoy.files(replace(door(plan_of("fleet")), models=models))

    assert sum(map(len, files.values())) < CONFIG_MAP_BYTES


def test_served_names_are_written_as_they_are():
    served = "meta-llama/Llama-3.1_8B:v2"
    plan = replace(door(plan_of("local")), models=(UpstreamPlan("m", served, "m.home", 80, None),))
    routes = json.loads(envoy.files(plan)[api.ROUTES])["resources"][0]["virtual_hosts"][0]["routes"]
    listed = json.loads(routes[0]["direct_response"]["body"]["inline_string"])
    asked = [route["match"]["dynamic_metadata"][0]["value"] for route in routes if "route" in route]

    assert [model["id"] for model in listed["data"]] == [served]
    assert asked == [{"string_match": {"exact": served}}]


@pytest.mark.parametrize(
    ("gateway", "door", "asked"),
    [
        ({}, {}, (None, None)),
        ({"authenticatedBy": "nobody"}, {}, ("nobody", "nobody")),
        ({}, {"keysSecretRef": "clients"}, (None, "the front door, by the keys of Secret clients")),
        ({"authenticatedBy": "a proxy"}, {}, ("a proxy", "a proxy")),
    ],
)
def test_routes_say_who_asks_for_a_key_and_the_doors_keys_are_its_own(tmp_path, gateway, door, asked):
    data = document("local")
    data["config"]["substrate:cluster"]["gateway"] = gateway
    data["config"]["substrate:frontDoor"] = door
    plan = plan_document(data, tmp_path)
    (server,) = plan.servers
    routes = [model.route(server, server.model), front_door.route(plan.front_door)]
    said = [each["metadata"]["annotations"] for each in routes]

    assert tuple(each.get("substrate.dev/authenticated-by") for each in said) == asked
    assert [each["substrate.dev/reached-at"] for each in said] == [server.model.url, plan.front_door.url]
