"""One real S3 server for all integration tests, and the large set that the kills are tried on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.stager import sets, weed

LARGE_PREFIX = "large"
LARGE_SIZES = {"model-1.bin": 230, "model-2.bin": 170, "nested/model-3.bin": 70, "nested/tokens.bin": 30}  # MB


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[weed.Weed]:
    running = weed.start(tmp_path_factory.mktemp("weed"))
    yield running
    running.process.kill()  # on SIGTERM it takes 15 s
    running.process.wait()


@pytest.fixture(scope="session")
def large(server: weed.Weed) -> Mapping[str, Any]:
    """The listing of a set of 500 MB and twenty small files that lies in the public bucket."""
    contents = {path: sets.noise(size * 1_000_000, seed) for seed, (path, size) in enumerate(LARGE_SIZES.items())}
    contents |= {f"small/{number}.json": sets.noise(3000, 100 + number) for number in range(20)}
    server.put(weed.PUBLIC, LARGE_PREFIX, contents)
    return sets.document(contents, {"uri": f"s3://{weed.PUBLIC}/{LARGE_PREFIX}/"})
