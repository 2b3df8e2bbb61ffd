"""An S3 source against moto: what the protocol's answers mean. The real server is in integration/test_s3.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto.server import ThreadedMotoServer

from stager.errors import SourceRefused, SourceUnavailable
from stager.listing import Source
from stager.sources.base import Changed, Remote, Transient
from stager.sources.s3 import S3Source
from stager.stage import stage
from tests.stager import sets
from tests.stager.webserver import Server, Site, answering, serving

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONTENTS = {"model.bin": sets.noise(1_500_000), "nested/ä b%20.json": b"{}", "empty": b""}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name in sets.SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
    made = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    made.create_bucket(Bucket="models")
    for path, data in CONTENTS.items():
        made.put_object(Bucket="models", Key=f"tiny/{path}", Body=data, ACL="public-read")
    yield made
    for item in made.list_objects_v2(Bucket="models").get("Contents", []):
        made.delete_object(Bucket="models", Key=item["Key"])
    made.delete_bucket(Bucket="models")


def source(endpoint: str, uri: str = "s3://models/tiny/", anonymous: bool = False) -> S3Source:
    return S3Source(Source(uri, endpoint=endpoint, region="us-east-1", anonymous=anonymous), sets.HURRIED, 65536)


@pytest.mark.parametrize("anonymous", [False, True])
@pytest.mark.usefixtures("client")
def test_a_set_is_published_from_a_bucket(endpoint: str, tmp_path: Path, anonymous: bool) -> None:
    listed = sets.listed(CONTENTS, uri="s3://models/tiny", endpoint=endpoint, anonymous=anonymous)
    stage(listed, sets.options(tmp_path))
    assert sets.published(tmp_path, listed.digest) == CONTENTS


@pytest.mark.usefixtures("client")
def test_a_range_is_exactly_the_bytes_asked_for(endpoint: str) -> None:
    there = source(endpoint)
    got = b"".join(there.read("model.bin", 1000, 700_001, there.stat("model.bin")))
    assert got == CONTENTS["model.bin"][1000:700_001]


def test_an_object_overwritten_since_is_noticed(endpoint: str, client: S3Client) -> None:
    there = source(endpoint)
    remote = there.stat("model.bin")
    client.put_object(Bucket="models", Key="tiny/model.bin", Body=sets.noise(1_500_000, seed=3))
    with pytest.raises(Changed):
        list(there.read("model.bin", 0, 100, remote))
    assert there.stat("model.bin").version != remote.version


@pytest.mark.usefixtures("client")
def test_every_read_is_of_the_version_that_was_seen() -> None:
    with serving(Server(Site(files={"models/tiny/x": b"bytes"}))) as server:
        with pytest.raises(Changed):
            list(source(server.url).read("x", 0, 5, Remote(5, '"another"')))
        assert [request.headers["if-match"] for request in server.site.requests] == ['"another"']


@pytest.mark.usefixtures("client")
def test_a_missing_object_and_a_missing_bucket_are_told_apart(endpoint: str) -> None:
    with pytest.raises(SourceRefused) as raised:
        source(endpoint).stat("none.bin")
    assert "s3://models/tiny/none.bin: 404" in raised.value.lines()[-1]
    with pytest.raises(SourceRefused) as raised:
        source(endpoint, "s3://nowhere/").stat("none.bin")
    assert "s3://nowhere/: 404 NoSuchBucket no such bucket" in raised.value.lines()[-1]


def test_no_credentials_and_not_anonymous_is_refused_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in sets.SECRETS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SourceRefused) as raised:
        source("http://127.0.0.1:9")
    assert "anonymous: true" in raised.value.lines()[-1]
    source("http://127.0.0.1:9", anonymous=True)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("code", [429, 500, 503])
def test_throttling_and_server_errors_pass(code: int) -> None:
    with serving(Server(Site())) as server:
        server.site.faults.append(answering(code))
        with pytest.raises(Transient, match=str(code)):
            list(source(server.url).read("x", 0, 1, Remote(1, '"etag"')))


@pytest.mark.usefixtures("client")
def test_a_server_that_is_not_there_ends_with_6_and_prints_no_secret(tmp_path: Path) -> None:
    listed = sets.listed(CONTENTS, uri="s3://models/tiny/", endpoint="http://127.0.0.1:9")
    with pytest.raises(SourceUnavailable) as raised:
        stage(listed, sets.options(tmp_path))
    assert "tcp connect error" in raised.value.lines()[-1]
    assert "canary" not in str(raised.value.lines())
