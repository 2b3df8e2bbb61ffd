"""A real S3 server: signed and anonymous, refusals told apart, a flipped byte, an object replaced, a second run."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.stager import sets, weed

CONTENTS = {"model.bin": sets.noise(6_000_000), "nested/ä b%20.json": b"{}", "empty": b""}
KEYS = {"AWS_ACCESS_KEY_ID": weed.KEY, "AWS_SECRET_ACCESS_KEY": weed.SECRET}


def source(server: weed.Weed, bucket: str, prefix: str, **others: Any) -> dict[str, Any]:
    return {"uri": f"s3://{bucket}/{prefix}/", "endpoint": server.endpoint, "region": "us-east-1", **others}


def command(folder: Path, given: dict[str, Any], **environment: str) -> sets.Command:
    (folder / "volume").mkdir(exist_ok=True)
    return sets.Command(folder, given, folder / "volume", **environment)


def test_a_private_bucket_is_read_with_keys_from_the_environment(server: weed.Weed, tmp_path: Path) -> None:
    server.put(weed.PRIVATE, "signed", CONTENTS)
    given = sets.document(CONTENTS, source(server, weed.PRIVATE, "signed"))
    assert command(tmp_path, given, **KEYS).run().code == 0
    assert sets.published(tmp_path / "volume", given["digest"]) == CONTENTS


def test_a_public_bucket_is_read_without_keys(server: weed.Weed, tmp_path: Path) -> None:
    server.put(weed.PUBLIC, "anonymous", CONTENTS)
    given = sets.document(CONTENTS, source(server, weed.PUBLIC, "anonymous", anonymous=True))
    assert command(tmp_path, given).run().code == 0
    assert sets.published(tmp_path / "volume", given["digest"]) == CONTENTS


def test_a_bucket_is_read_over_tls_with_a_private_authority(server: weed.Weed, tmp_path: Path) -> None:
    server.put(weed.PRIVATE, "tls", CONTENTS)
    given = sets.document(CONTENTS, {**source(server, weed.PRIVATE, "tls"), "endpoint": server.https})
    ended = command(tmp_path, given, SSL_CERT_FILE=str(server.authority), **KEYS).run()
    assert ended.code == 0, ended.lines
    assert sets.published(tmp_path / "volume", given["digest"]) == CONTENTS


@pytest.mark.parametrize("uri", ["s3://public/tls/", None])
def test_a_certificate_that_is_not_trusted_ends_with_4_and_says_what_to_do(
    server: weed.Weed, tmp_path: Path, uri: str | None
) -> None:
    where = {"uri": uri or f"{server.https}/public/tls/", "endpoint": server.https if uri else None, "anonymous": True}
    ended = command(tmp_path, sets.document(CONTENTS, where)).run()
    assert ended.code == 4 and "SSL_CERT_FILE" in ended.last


@pytest.mark.parametrize(
    ("bucket", "anonymous", "changes", "says"),
    [
        (weed.PRIVATE, True, {}, "403 AccessDenied"),
        (weed.PRIVATE, False, {"AWS_SECRET_ACCESS_KEY": "canary-wrong-secret"}, "403 SignatureDoesNotMatch"),
        (weed.PRIVATE, False, {"AWS_ACCESS_KEY_ID": "AKIACANARY"}, "403 InvalidAccessKeyId"),
        (weed.PUBLIC, True, {}, "404 NoSuchKey no such object"),
        ("nowhere", False, {}, "s3://nowhere/: 404 NoSuchBucket no such bucket"),
    ],
)
def test_a_refusal_ends_with_4_and_says_why_without_the_secret(
    server: weed.Weed, tmp_path: Path, bucket: str, anonymous: bool, changes: dict[str, str], says: str
) -> None:
    given = sets.document(CONTENTS, source(server, bucket, "refused", anonymous=anonymous))
    ended = command(tmp_path, given, **{**KEYS, **changes}).run()
    assert ended.code == 4
    assert says in "\n".join(ended.lines) and says in ended.termination_log
    assert "canary" not in "\n".join(ended.lines).lower() and weed.SECRET not in "\n".join(ended.lines)
    assert not (tmp_path / "volume" / given["digest"]).exists()


def test_one_flipped_byte_ends_with_3_and_nothing_is_published(server: weed.Weed, tmp_path: Path) -> None:
    flipped = bytearray(CONTENTS["model.bin"])
    flipped[3_141_592] ^= 1
    server.put(weed.PUBLIC, "flipped", {**CONTENTS, "model.bin": bytes(flipped)})
    given = sets.document(CONTENTS, source(server, weed.PUBLIC, "flipped", anonymous=True))
    wrong = sets.document({"model.bin": bytes(flipped)}, {})["files"][0]["sha256"]
    staging = command(tmp_path, given)
    ended = staging.run()
    assert ended.code == 3
    assert f"model.bin: expected sha256 {given['files'][0]['sha256']}, got {wrong}" in ended.last
    assert not (tmp_path / "volume" / given["digest"]).exists()
    server.put(weed.PUBLIC, "flipped", {"model.bin": CONTENTS["model.bin"]})
    assert staging.run().code == 0
    assert sets.published(tmp_path / "volume", given["digest"]) == CONTENTS


def test_an_object_replaced_while_it_is_read_is_fetched_anew(server: weed.Weed, tmp_path: Path) -> None:
    right, old = {"model.bin": sets.noise(80_000_000)}, {"model.bin": sets.noise(80_000_000, seed=5)}
    server.put(weed.PUBLIC, "replaced", old)
    given = sets.document(right, source(server, weed.PUBLIC, "replaced", anonymous=True))
    staging = command(tmp_path, given)
    process = staging.start()
    while process.poll() is None and sets.on_disk(tmp_path / "volume") < 10_000_000:
        time.sleep(0.001)
    process.send_signal(signal.SIGSTOP)
    server.put(weed.PUBLIC, "replaced", right)
    process.send_signal(signal.SIGCONT)
    ended = staging.end(process)
    assert ended.code == 0, ended.lines
    assert sets.published(tmp_path / "volume", given["digest"]) == right


def test_a_thousand_complete_files_are_found_without_asking_the_source(server: weed.Weed, tmp_path: Path) -> None:
    contents = {f"{number % 10}/{number}.bin": sets.noise(1000, number) for number in range(1000)}
    server.put(weed.PUBLIC, "thousand", contents)
    given = sets.document(contents, source(server, weed.PUBLIC, "thousand", anonymous=True))
    assert command(tmp_path, given).run().code == 0
    sent = server.sent()
    dead = {**given, "source": {**given["source"], "endpoint": "http://127.0.0.1:9"}}
    ended = command(tmp_path, dead).run()
    assert ended.code == 0 and "complete already" in ended.last
    assert command(tmp_path, given).run().code == 0
    assert server.sent() == sent
