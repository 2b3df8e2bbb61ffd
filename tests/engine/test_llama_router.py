"""A server of several models, told to the real llama-server: its router takes the presets, and each model answers."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cluster import tools
from tests.engine.test_llama_parser import serving, told
from tests.plan.test_several import FIRST, SECOND, pair
from tests.ports import free_port
from tests.stacks import plan_document, server

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", params=["4Gi", "1Gi"], ids=["both fit", "one fits"])
def router(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The address of a router for two models, on the host; its weights are the real file, twice."""
    folder = tmp_path_factory.mktemp("router")
    data = pair()
    data["config"]["substrate:pools"]["cpu"]["nodeMemory"] = request.param
    small = server(plan_document(data, folder), "small")
    presets = small.engine.files["presets.ini"]
    for model in (FIRST, SECOND):
        presets = presets.replace(f"/models/{model}/model.gguf", str(tools.path("smollm2-135m.gguf")))
    (folder / "presets.ini").write_text(presets)
    port = free_port()
    arguments = told(small, **{"models-preset": str(folder / "presets.ini"), "host": "127.0.0.1", "port": str(port)})
    with serving(str(tools.path("llama-server")), arguments, port, folder / "log") as address:
        yield address, small


def ask(address: str, model: str) -> dict[str, Any]:
    body = {"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": "Say hello."}]}
    request = urllib.request.Request(f"{address}/v1/chat/completions", json.dumps(body).encode())
    answer: dict[str, Any] = json.load(urllib.request.urlopen(request, timeout=60))
    return answer


def test_each_model_answers_by_its_served_name(router: Any) -> None:
    """Where one fits, the request for the other waits until it is loaded."""
    address, small = router
    for name in [model.served_name for model in small.models] * 2:
        assert ask(address, name)["model"] == name


def test_a_model_that_is_not_there_is_refused(router: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(router[0], "another")
    assert 400 <= refused.value.code < 500


def test_drain_ends_when_no_slot_is_busy(router: Any, tmp_path: Path) -> None:
    """The hook as the pod runs it, at this router's port."""
    address, small = router
    ask(address, small.model.served_name)
    *shell, script = small.engine.pre_stop["exec"]["command"]
    script = script.replace("http://127.0.0.1:8080", address).replace("sleep 5;", "")
    done = subprocess.run([*shell, script], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
