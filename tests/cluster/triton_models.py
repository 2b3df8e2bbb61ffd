"""The example's model repository in pods of Triton, and Triton on the host, whose parser judges configurations.

Imports the cluster's fixtures and the example.
"""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from cluster import images, tools
from examples.triton import make
from tests.cluster.conftest import PATIENCE, Embedded, claim, eventually, python_pod
from tests.ports import free_port

FLOWERS = {  # lengths in centimetres, of Fisher's irises 1, 51 and 101
    "setosa": (5.1, 3.5, 1.4, 0.2),
    "versicolor": (7.0, 3.2, 4.7, 1.4),
    "virginica": (6.3, 3.3, 6.0, 2.5),
}
SPECIES = tuple(FLOWERS)  # in the order of the probabilities
PORTS = {"http": 8000, "grpc": 8001, "metrics": 8002}
SLOW_SECONDS = 2
_SLOW = f"""import time

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        time.sleep({SLOW_SECONDS})
        rows = [pb_utils.get_input_tensor_by_name(request, "measurements").as_numpy() for request in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("scaled", part)]) for part in rows]
"""
_MOUNT = "/models"
_FORWARDING = re.compile(r"127\.0\.0\.1:(\d+) -> (\d+)")


def repository(folder: Path) -> Path:
    """The example, and beside it `slow`, which takes its time over what iris-scale takes, one request at once."""
    make.make(folder)
    config = (folder / "iris-scale" / "config.pbtxt").read_text().replace('"iris-scale"', '"slow"')
    write(folder, "slow", config.split("dynamic_batching")[0], {"1/model.py": _SLOW})
    return folder


def write(folder: Path, name: str, config: str, files: Mapping[str, str]) -> None:
    """One more model in the repository."""
    for path, text in {"config.pbtxt": config, **files}.items():
        (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / name / path).write_text(text)


# --- in pods ------------------------------------------------------------------------------------------------------


def fill(cluster: Embedded, where: str, folder: Path) -> str:
    """Lay the repository out on a claim, by a pod as unprivileged as any; the claim's name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(folder, arcname=".")
    name = folder.name
    data = {"repository.tar": base64.b64encode(packed.getvalue()).decode()}
    metadata = {"name": name, "namespace": where}
    pod = python_pod(f"fill-{name}", where, "-m", "tarfile", "-e", "/in/repository.tar", "/data", volume=name)
    pod["spec"]["restartPolicy"] = "Never"
    pod["spec"]["containers"][0]["volumeMounts"].append({"name": "in", "mountPath": "/in"})
    pod["spec"]["volumes"].append({"name": "in", "configMap": {"name": name}})
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": data}, pod)
    cluster.apply(claim(name, where))
    eventually(f"{name} is filled", lambda: phase(cluster, where, f"fill-{name}") == "Succeeded")
    return name


def phase(cluster: Embedded, where: str, pod: str) -> str:
    return str(cluster.get("pod", pod, "-n", where)["status"]["phase"])


def server_pod(name: str, where: str, repository: str, *arguments: str) -> dict[str, Any]:
    """A pod of Triton on the claim that holds the repository, as one of NVIDIA's image is written."""
    pod = python_pod(name, where)
    container = pod["spec"]["containers"][0]
    container["image"] = images.reference("tritonserver")
    container["command"] = ["tritonserver", f"--model-repository={_MOUNT}", *arguments]
    container["ports"] = [{"name": port, "containerPort": number} for port, number in PORTS.items()]
    container["securityContext"]["readOnlyRootFilesystem"] = True
    container["readinessProbe"] = {"httpGet": {"port": "http", "path": "/v2/health/ready"}, "periodSeconds": 1}
    container["volumeMounts"] = [_mount("repository", _MOUNT) | {"readOnly": True}, _mount("tmp", "/tmp")]
    pod["spec"]["volumes"] = [
        {"name": "repository", "persistentVolumeClaim": {"claimName": repository, "readOnly": True}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
    ]
    return pod | {"spec": pod["spec"] | {"restartPolicy": "Never", "terminationGracePeriodSeconds": 45}}


def mounted_pod(name: str, where: str, repository: str, configurations: str) -> dict[str, Any]:
    """A pod whose repository is put together from mounts: nothing is copied, and nothing in it can be written to.

    The configurations come from a ConfigMap, by model; versions from folders of the claim; the ensemble, which has no
    files, has an empty one.
    """
    pod = server_pod(name, where, repository, "--disable-auto-complete-config")
    mounts = [_mount("tmp", "/tmp"), _mount("empty", f"{_MOUNT}/iris/1") | {"readOnly": True}]
    mounts += [
        _mount("configurations", f"{_MOUNT}/{model}/config.pbtxt") | {"subPath": model}
        for model in ("iris", "iris-scale", "iris-classify")
    ]
    mounts += [
        _mount("repository", f"{_MOUNT}/{version}") | {"subPath": version, "readOnly": True}
        for version in ("iris-scale/1", "iris-classify/1")
    ]
    pod["spec"]["containers"][0]["volumeMounts"] = mounts
    pod["spec"]["volumes"] += [
        {"name": "configurations", "configMap": {"name": configurations}},
        {"name": "empty", "emptyDir": {}},
    ]
    return pod


def configurations(name: str, where: str, folder: Path) -> dict[str, Any]:
    data = {file.parent.name: file.read_text() for file in folder.glob("*/config.pbtxt")}
    metadata = {"name": name, "namespace": where}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _mount(volume: str, path: str) -> dict[str, Any]:
    return {"name": volume, "mountPath": path}


@contextmanager
def forwarded(cluster: Embedded, where: str, pod: str) -> Iterator[dict[str, str]]:
    """The pod's ports on 127.0.0.1 as `host:port` by name, by `kubectl port-forward`."""
    command = [str(tools.path("kubectl")), "--kubeconfig", str(cluster.kubeconfig), "-n", where]
    command += ["port-forward", f"pod/{pod}", *(f":{number}" for number in PORTS.values())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout
            lines = (process.stdout.readline() for _ in range(2 * len(PORTS)))  # each port on IPv4, then on IPv6
            local = {int(port): host for line in lines for host, port in _FORWARDING.findall(line)}
            yield {name: f"127.0.0.1:{local[number]}" for name, number in PORTS.items()}
        finally:
            process.terminate()


def counters(address: str, metric: str) -> dict[str, float]:
    """A counter of Triton's by model."""
    found = re.findall(rf'^{metric}{{model="([^"]+)",version="1"}} (\S+)$', metrics(address), re.MULTILINE)
    return {model: float(value) for model, value in found}


def metrics(address: str) -> str:
    return httpx.get(f"http://{address}/metrics").raise_for_status().text


# --- on the host --------------------------------------------------------------------------------------------------


def verdicts(folder: Path, log: Path) -> dict[str, str]:
    """What the real server says of each model of the repository when it is told to load it; "" where it loads.

    It runs on the host, without the python backend's Python: configurations are read and judged, and a model gets as
    far as its backend. What its parser says is in its log only, and is taken from there.
    """
    port = free_port()
    command = [str(tools.path("tritonserver")), f"--model-repository={folder}", "--model-control-mode=explicit"]
    command += ["--http-address=127.0.0.1", f"--http-port={port}", "--allow-grpc=false", "--allow-metrics=false"]
    command += [f"--backend-directory={folder / '.none'}"]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as server:
        try:
            client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"connection": "close"})
            eventually("Triton answers on the host", lambda: _lives(client, server))
            models = sorted(path.name for path in folder.iterdir() if path.is_dir())
            return {model: _verdict(client, model, log) for model in models}
        finally:
            server.terminate()


def _lives(client: httpx.Client, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, f"it ended with {server.returncode}"
    try:
        return client.get("/v2/health/live").is_success
    except httpx.TransportError:
        return False


def _verdict(client: httpx.Client, model: str, log: Path) -> str:
    before = log.stat().st_size
    answer = client.post(f"/v2/repository/models/{model}/load", timeout=PATIENCE)
    if answer.is_success:
        return ""
    # Of an ensemble whose model has failed, 2.51 prints bytes of freed memory: not even UTF-8.
    logged = log.read_bytes()[before:].decode(errors="replace")
    return "\n".join([json.loads(answer.text)["error"].strip(), *logged.splitlines()])


def stopped_by_itself(cluster: Embedded, where: str, pod: str) -> tuple[int, str]:
    """The exit code of a server that ends by itself, and its log."""
    eventually(f"{pod} ends", lambda: phase(cluster, where, pod) in ("Failed", "Succeeded"))
    status = cluster.get("pod", pod, "-n", where)["status"]["containerStatuses"][0]["state"]["terminated"]
    return int(status["exitCode"]), cluster.kubectl("logs", "-n", where, pod)
