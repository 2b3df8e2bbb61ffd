"""The real Prometheus as a process of its own, for tests without a cluster: rules, and pages that it scrapes.

Its binary is that which the embedded cluster runs.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from cluster import tools
from tests.ports import free_port

PATIENCE = 60.0


@contextmanager
def running(folder: Path, rules: Mapping[str, Any], targets: list[Mapping[str, Any]]) -> Iterator[str]:
    """Its URL. `targets` are scrape configurations."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(dict(rules)))
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "rule_files": ["rules.yaml"], "scrape_configs": targets}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(tools.path("prometheus")),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--web.listen-address={address}",
    ]
    command += [f"--storage.tsdb.path={folder / 'data'}", "--log.level=warn"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait(f"http://{address}/-/ready", process, folder / "log")
            yield f"http://{address}"
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())
