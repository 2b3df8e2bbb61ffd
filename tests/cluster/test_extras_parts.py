"""What the extras are made of, each by itself: no root, no cluster, no tools."""

from __future__ import annotations

import pytest

from cluster.embedded import addons, assembly, extras
from cluster.embedded.errors import ClusterError
from cluster.embedded.extras import EXTRAS, keda, prometheus_adapter
from cluster.embedded.plan import BINARIES, IMAGES, Image, Plan
from cluster.embedded.ports import Ports


def plan(*names: str) -> Plan:
    chosen = extras.chosen(names)
    tools = [*BINARIES, *(binary for name in chosen for binary in extras.extra(name).binaries)]
    return Plan(
        key="0123abcd",
        python="/usr/bin/python3",
        clone="/clone",
        binaries={name: f"/tools/{name}/{name}" for name in tools},
        images=tuple(Image(f"substrate.local/{name}:1", "sha256:0", f"/images/{name}.tar") for name in IMAGES),
        ports=Ports(api=1, gateway=2, s3=3),
        extras=chosen,
    )


# --- which, and in which order ------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [[name] for name in EXTRAS] + [list(EXTRAS), list(reversed(EXTRAS))])
def test_components_of_any_extras_come_after_all_that_they_wait_for(names):
    seen: set[str] = set()
    for component in assembly.assemble(plan(*names)):
        assert set(component.after) <= seen, component.name
        assert component.name not in seen
        seen.add(component.name)


def test_extra_brings_what_it_needs_and_engines_of_the_core_bring_nothing():
    assert extras.chosen(["llama.cpp", "http-add-on"]) == ("keda", "http-add-on")
    assert extras.chosen(["prometheus-adapter", "keda"]) == ("keda", "prometheus", "prometheus-adapter")


def test_extra_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(ClusterError, match="no extra 'kedaa'") as refused:
        extras.chosen(["kedaa"])
    assert "keda, kserve" in str(refused.value)


def test_tasks_of_every_extra_are_components_of_it():
    for extra in EXTRAS.values():
        tasks = {component.name for component in extra.components(plan(extra.name)) if component.task}
        assert tasks == set(extra.tasks), extra.name


def test_one_api_server_serves_external_metrics():
    alone, beside = (prometheus_adapter.groups(plan(*names).extras) for names in (["prometheus-adapter"], list(EXTRAS)))
    external = (keda.GROUP, keda.VERSION)

    assert external in alone and external not in beside
    assert set(alone) - {external} == set(beside)


def test_service_of_a_process_leads_to_its_port_of_the_node():
    service, endpoints = addons.node_service("proxy", "keda", addons.NodePort("http", 8080, 9464), labels={"a": "b"})

    assert service["spec"] == {"ports": [{"name": "http", "port": 8080, "targetPort": 9464, "protocol": "TCP"}]}
    assert endpoints["metadata"]["labels"] == {"a": "b", "kubernetes.io/service-name": "proxy"}
    assert endpoints["ports"] == [{"name": "http", "port": 9464, "protocol": "TCP"}]
