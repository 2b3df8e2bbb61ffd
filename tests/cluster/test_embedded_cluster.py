"""The clone's cluster does what a Kubernetes with a node, DNS, volumes, a Gateway and S3 does."""

from __future__ import annotations

import http.client
import json
import secrets
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster import tools
from cluster.embedded.layout import Network
from tests.cluster.conftest import (
    PATIENCE,
    Embedded,
    claim,
    completed,
    eventually,
    python_pod,
    server_pod,
    service,
    wait_ready,
)

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def team(cluster: Embedded) -> Iterator[str]:
    """A namespace under Pod Security `restricted`, with the server `files` behind its Service."""
    name = f"try-{secrets.token_hex(3)}"
    cluster.make_namespace(name)
    cluster.apply(server_pod("files", name), service("files", name))
    wait_ready(cluster, name, "files")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def run_pod(cluster: Embedded, team: str, name: str, code: str) -> str:
    """What a short Python program prints in a pod of its own, from its first line to its end."""
    pod = python_pod(name, team, "-c", code)
    pod["spec"]["restartPolicy"] = "Never"
    cluster.apply(pod)
    ended = ("Succeeded", "Failed")
    eventually(f"{name} ends", lambda: cluster.get("pod", name, "-n", team)["status"]["phase"] in ended)
    return cluster.kubectl("logs", "-n", team, name).strip()


def test_second_up_changes_nothing_and_says_so(cluster):
    before = cluster.components()
    done = cluster.up()

    assert "everything serves already" in done.stdout
    assert {name: one.pid for name, one in cluster.components().items()} == {
        name: one.pid for name, one in before.items()
    }


def test_status_names_every_component_and_exits_0(cluster):
    shown = cluster.run("status").stdout

    assert all(f"{name} " in shown for name in ("etcd", "kubelet", "coredns", "traefik", "seaweedfs", "kwok"))
    assert "!" not in shown


def test_service_address_is_answered_from_the_node(cluster, team):
    address = cluster.get("service", "files", "-n", team)["spec"]["clusterIP"]
    answer = eventually(
        "the Service answers",
        lambda: cluster.inside("curl", "-s", "--max-time", "3", f"http://{address}/hostname", check=False).strip(),
    )

    assert answer == "files"


def test_service_is_reached_from_another_pod_by_its_name(cluster, team):
    host = f"files.{team}.svc.{Network.DOMAIN}"
    printed = run_pod(
        cluster,
        team,
        "caller",
        f"import time, urllib.request; time.sleep(2); print(urllib.request.urlopen('http://{host}/hostname').read())",
    )

    assert printed == "b'files\\n'"


def test_names_outside_do_not_exist_and_are_answered_at_once(cluster, team):
    code = "import socket\ntry: socket.getaddrinfo('example.org', 80)\nexcept socket.gaierror as e: print(e)"

    assert "Name or service not known" in run_pod(cluster, team, "outside", code)


def test_claim_binds_and_its_files_survive_the_pod(cluster, team):
    cluster.apply(claim("keep", team), server_pod("writer", team, volume="keep"))
    wait_ready(cluster, team, "writer")
    cluster.kubectl("exec", "-n", team, "writer", "--", "python3.11", "-c", "open('/data/word','w').write('kept')")
    cluster.kubectl("delete", "pod", "-n", team, "writer")
    cluster.apply(server_pod("reader", team, volume="keep"))
    wait_ready(cluster, team, "reader")

    read = cluster.kubectl("exec", "-n", team, "reader", "--", "python3.11", "-c", "print(open('/data/word').read())")
    assert read.strip() == "kept"


def test_released_volume_keeps_its_files(cluster, team):
    """The class's reclaim policy is Retain: weights outlive the stack that staged them."""
    cluster.apply(claim("retained", team), server_pod("holder", team, volume="retained"))
    wait_ready(cluster, team, "holder")
    volume = cluster.get("persistentvolumeclaim", "retained", "-n", team)["spec"]["volumeName"]
    cluster.kubectl("exec", "-n", team, "holder", "--", "python3.11", "-c", "open('/data/word','w').write('kept')")
    cluster.kubectl("delete", "-n", team, "pod/holder", "persistentvolumeclaim/retained")

    found = eventually(
        "the volume is Released", lambda: (v := cluster.get("pv", volume))["status"]["phase"] == "Released" and v
    )
    assert cluster.inside("cat", f"{found['spec']['hostPath']['path']}/word") == "kept"
    cluster.kubectl("delete", "pv", volume)


def test_pod_that_restricted_forbids_is_refused(cluster, team):
    pod = python_pod("root", team, "-c", "pass")
    pod["spec"]["securityContext"] = {}
    command = [str(tools.path("kubectl")), "--kubeconfig", str(cluster.kubeconfig), "apply", "--filename=-"]
    done = completed(command, check=False, stdin=json.dumps(pod))

    assert done.returncode != 0
    assert 'violates PodSecurity "restricted' in done.stderr


def route(team: str, name: str) -> dict[str, Any]:
    """From the path of the team and the server to the server's own root."""
    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": f"/{team}-{name}/"}}],
        "filters": [rewrite],
        "backendRefs": [{"name": name, "port": 80}],
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": team},
        "spec": {"parentRefs": [{"name": "substrate", "namespace": "substrate-system"}], "rules": [rule]},
    }


def fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        return f"{error.code}".encode()


def test_route_of_any_namespace_is_served_on_the_host(cluster, team):
    cluster.apply(route(team, "files"))
    url = f"http://127.0.0.1:{cluster.plan.ports.gateway}/{team}-files/hostname"

    assert eventually("the route answers", lambda: fetch(url) == b"files\n")


def test_gateway_answers_three_hundred_connections_that_are_open_at_once(cluster):
    port = cluster.plan.ports.gateway
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE) for _ in range(300)]
    for connection in connections:
        connection.request("GET", "/no-such-route")
    statuses = [connection.getresponse().status for connection in connections]
    for connection in connections:
        connection.close()

    assert statuses == [404] * 300


def test_models_are_read_without_keys_and_written_only_with_them(cluster, tmp_path):
    key = f"try/{secrets.token_hex(4)}"
    (tmp_path / "file").write_bytes(b"weights")
    stored = cluster.run("put-model", str(tmp_path / "file"), key).stdout
    again = cluster.run("put-model", str(tmp_path / "file"), key).stdout
    url = f"http://127.0.0.1:{cluster.plan.ports.s3}/models"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(f"{url}/{key}-2", data=b"x", method="PUT"), timeout=10)

    assert "stored" in stored
    assert "was there already" in again
    assert fetch(f"{url}/{key}") == b"weights"
    assert key.encode() in fetch(f"{url}?list-type=2&prefix=try/")
    assert refused.value.code == 403


def test_s3_is_a_service_that_pods_reach(cluster, team):
    address = "http://s3.substrate-system:8333/models?list-type=2"
    printed = run_pod(
        cluster, team, "lister", f"import urllib.request; print(urllib.request.urlopen('{address}').status)"
    )

    assert printed == "200"


def test_pod_reaches_no_part_of_the_object_store_but_s3(cluster, team):
    """SeaweedFS's filer asks for no keys: whoever reached it could change weights."""
    code = (
        "import socket\n"
        "for port in (8333, 8888, 18888, 9333, 19333, 18080):\n"
        "    s = socket.socket(); s.settimeout(3)\n"
        f"    print(port, s.connect_ex(('{Network.NODE}', port)))"
    )
    answers = dict(line.split() for line in run_pod(cluster, team, "prober", code).splitlines())

    assert len(answers) == 6
    assert [port for port, error in answers.items() if error == "0"] == ["8333"]


def test_fake_gpu_node_is_ready_and_its_pods_run(cluster, team):
    name = f"gpu-{secrets.token_hex(3)}"
    resources = {"cpu": "32", "memory": "256Gi", "pods": "110", "nvidia.com/gpu": "8"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"try": name}},
        "status": {"allocatable": resources, "capacity": resources},
    }
    pod = python_pod("on-fake", team, "-c", "pass")
    pod["spec"]["nodeSelector"] = {"try": name}
    pod["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "8"}}
    cluster.kubectl("create", "--filename=-", stdin=json.dumps(node))
    try:
        cluster.kubectl("wait", f"node/{name}", "--for=condition=Ready", f"--timeout={PATIENCE:.0f}s")
        cluster.apply(pod)
        wait_ready(cluster, team, "on-fake")
        assert cluster.get("pod", "on-fake", "-n", team)["spec"]["nodeName"] == name
    finally:
        cluster.kubectl("delete", "node", name)


def test_namespace_has_no_link_and_no_route_to_anything_outside(cluster):
    """Nothing that is sent to a pod or service address may ever leave the machine."""
    links = json.loads(cluster.inside("ip", "-json", "link"))
    kinds = json.loads(cluster.inside("ip", "-json", "-details", "link"))
    routes = json.loads(cluster.inside("ip", "-json", "route"))
    host = {line.split()[0] for line in Path("/proc/self/net/dev").read_text().splitlines()[2:]}
    veths = [link["ifname"] for link in kinds if link.get("linkinfo", {}).get("info_kind") == "veth"]

    assert {link["ifname"] for link in links} - set(veths) == {"lo", "node0"}
    assert not [name for name in veths if f"{name}:" in host], "a veth of ours has an end on the host"
    assert "default" not in {one["dst"] for one in routes}


def test_host_is_sent_nothing_for_addresses_that_do_not_exist(cluster):
    for address in ("10.244.0.250", "10.96.250.250", "192.0.2.1"):
        done = cluster.inside("sh", "-c", f"curl -s --max-time 2 http://{address}/; echo $?").strip()
        assert done in {"7", "28"}, f"{address} was answered"


def test_kernel_settings_of_the_host_are_not_the_kubelets(cluster):
    shielded = cluster.inside("cat", "/proc/sys/kernel/panic").strip()
    mounts = cluster.inside("cat", "/proc/self/mounts")

    assert shielded == "10", "the kubelet finds what it wants"
    assert "/proc/sys/kernel/panic " in mounts, "and what it finds is not the host's setting"


_EARLY = """
import http.server, time
class Early(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        if self.path != '/go':
            self.wfile.write(b'one\\n'); self.wfile.flush()
            while not gone: time.sleep(0.05)
            self.wfile.write(b'two\\n')
        else:
            gone.append(1)
    def do_POST(self):
        self.send_response(200); self.end_headers(); self.wfile.flush()
        body = self.rfile.read(int(self.headers['Content-Length']))
        time.sleep(0.05)
        self.wfile.write(body)
gone = []
http.server.ThreadingHTTPServer(('', 8000), Early).serve_forever()
"""


@pytest.fixture(scope="module")
def early(cluster: Embedded, team: str) -> str:
    """Host and port of the Gateway, and the path there of a server whose answers begin early."""
    pod = python_pod("early", team, "-c", _EARLY)
    pod["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 8000}, "periodSeconds": 1}
    cluster.apply(pod, service("early", team), route(team, "early"))
    wait_ready(cluster, team, "early")
    path = f"127.0.0.1:{cluster.plan.ports.gateway}/{team}-early"
    eventually("the route is there", lambda: _first_line(f"http://{path}/") == b"one\n")
    return path


def test_long_answer_streams_through_the_host_listener_as_it_comes(early):
    """Tokens must arrive one by one: the first line is read before the server sends the second."""
    with urllib.request.urlopen(f"http://{early}/", timeout=PATIENCE) as answer:
        first = answer.readline()
        threading.Thread(target=fetch, args=(f"http://{early}/go",)).start()
        rest = answer.read()

    assert (first, rest) == (b"one\n", b"two\n")


def test_gateway_cuts_no_answer_that_begins_before_the_request_was_read(early):
    """An engine's stream does, where both cores are busy; a proxy in Go breaks it off unless it holds the request."""
    address, _, path = early.partition("/")
    said = []
    for _ in range(20):
        connection = http.client.HTTPConnection(address, timeout=PATIENCE)
        connection.putrequest("POST", f"/{path}/")
        connection.putheader("Content-Length", "5")
        connection.endheaders()
        time.sleep(0.02)
        connection.send(b"hello")
        said.append(connection.getresponse().read())
        connection.close()

    assert said == [b"hello"] * 20


def _first_line(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return bytes(answer.readline())
    except urllib.error.HTTPError:
        return b""


def test_environment_for_a_shell_leads_to_this_cluster(cluster):
    exports = cluster.run("env").stdout
    commands = ("kubectl config current-context", f"kubectl get node/{Network.NODE_NAME} --output=name")
    script = "\n".join([exports, *commands, "echo $PULUMI_BACKEND_URL"])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == [
        "substrate-local",
        f"node/{Network.NODE_NAME}",
        f"file://{cluster.root.path}/pulumi",
    ]


def test_secrets_of_the_cluster_are_readable_by_their_owner_only(cluster):
    for path in (cluster.kubeconfig, cluster.root.s3_env, cluster.root.pki, cluster.root.state / "s3.json"):
        assert path.stat().st_mode & 0o077 == 0, path
