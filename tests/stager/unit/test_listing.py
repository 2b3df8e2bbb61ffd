"""The listing: every wrong one is refused with all its problems, and the digest is that of docs/architecture.md."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stager import listing
from stager.errors import ListingError
from tests.stager.sets import document

SHA = "a" * 64
COMMIT = "0" * 40
S3 = {"uri": "s3://models/tiny/"}


def parse(data: Any) -> listing.Listing:
    return listing.parse(json.dumps(data).encode())


def problems(data: Any) -> str:
    with pytest.raises(ListingError) as raised:
        parse(data)
    assert raised.value.code == 2
    return "\n".join([raised.value.headline, *raised.value.problems])


def one_file(**changes: Any) -> dict[str, Any]:
    files = [{"path": "model.gguf", "size": 1, "sha256": SHA, **changes}]
    known = [listing.File(f["path"], 1, f["sha256"]) for f in files if isinstance(f["path"], str)]
    try:
        digest = listing.digest_of(known)
    except (UnicodeEncodeError, TypeError):
        digest = SHA
    return {"digest": digest, "source": S3, "files": files}


def test_the_digest_is_the_sha256_of_the_canonical_listing() -> None:
    given = document({"b/weights.bin": b"two", "a.json": b"one", "ä.txt": b"three"}, S3)
    assert parse(given).digest == given["digest"]


@given(st.permutations([f"{n}.bin" for n in range(6)]))
def test_the_order_of_the_files_does_not_change_the_digest(paths: list[str]) -> None:
    files = [listing.File(path, 1, SHA) for path in paths]
    assert listing.digest_of(files) == listing.digest_of(sorted(files, key=lambda file: file.path))


def test_size_and_source_are_not_part_of_the_digest() -> None:
    first, second = one_file(), one_file(size=99)
    second["source"] = {"uri": "https://mirror.example/tiny/"}
    assert parse(first).digest == parse(second).digest


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "is not relative"),
        ("/etc/passwd", "is not relative"),
        ("../outside", "component"),
        ("a/../../outside", "component"),
        ("a//b", "component"),
        ("./a", "component"),
        ("a/", "component"),
        ("a\\b", "backslash"),
        ("a\nb", "control character"),
        ("a\x00b", "control character"),
        ("\ud800", "Unicode"),
        ("x" * 256, "longer than 255"),
        (".receipt.json", "receipt"),
        (".Receipt.json", "receipt"),
        (".receipt.json.new", "receipt"),
        (7, "not a string"),
        (None, "not a string"),
    ],
)
def test_a_path_that_may_not_be_staged_is_refused(path: Any, reason: str) -> None:
    assert reason in problems(one_file(path=path))


@pytest.mark.parametrize("size", [-1, 1.5, "1", True, None, 2**63])
def test_a_size_that_is_not_whole_bytes_is_refused(size: Any) -> None:
    assert "files[0].size" in problems(one_file(size=size))


@pytest.mark.parametrize("sha256", ["", "a" * 63, "A" * 64, "g" * 64, 5, None])
def test_a_sha256_that_is_not_64_hex_digits_is_refused(sha256: Any) -> None:
    assert "files[0].sha256" in problems(one_file(sha256=sha256))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({}, '"uri"'),
        ("s3://models/", '"uri"'),
        ({"uri": "ftp://host/x/"}, "scheme 'ftp'"),
        ({"uri": "models/"}, "scheme ''"),
        ({"uri": "s3:///tiny/"}, "needs a bucket"),
        ({"uri": "file://host/share/"}, "file:///absolute/path/"),
        ({"uri": "https://user:pass@host/x/"}, "credentials come from the environment"),
        ({"uri": "https://host/x/?X-Amz-Signature=1"}, "credentials come from the environment"),
        ({"uri": "https://host:port/x/"}, "source.uri"),
        ({"uri": "hf://acme", "revision": COMMIT}, "hf://organisation/repository"),
        ({"uri": "hf://acme/tiny/more", "revision": COMMIT}, "hf://organisation/repository"),
        ({"uri": "hf://acme/tiny"}, "40-digit commit"),
        ({"uri": "hf://acme/tiny", "revision": "main"}, "40-digit commit"),
        ({**S3, "endpoint": "minio:9000"}, "source.endpoint"),
        ({**S3, "endpoint": "http://key:secret@minio:9000"}, "source.endpoint"),
        ({**S3, "anonymous": "yes"}, "source.anonymous: expected bool"),
        ({**S3, "accessKey": "AKIA"}, "source.accessKey: unknown key"),
    ],
)
def test_a_source_that_cannot_be_meant_is_refused(source: Any, reason: str) -> None:
    assert reason in problems({**one_file(), "source": source})


def test_absent_and_empty_source_fields_are_the_same() -> None:
    empty = {**S3, "endpoint": None, "region": "", "anonymous": False, "revision": None}
    assert parse({**one_file(), "source": empty}).source == parse(one_file()).source


def test_a_digest_that_does_not_match_its_files_is_refused_with_both() -> None:
    given = one_file()
    wrong = "b" * 64
    text = problems({**given, "digest": wrong})
    assert wrong in text and given["digest"] in text


def test_a_path_that_stands_twice_is_refused() -> None:
    given = one_file()
    assert "stands twice" in problems({**given, "files": given["files"] * 2})


def test_a_file_that_is_also_a_folder_is_refused() -> None:
    files = [{"path": path, "size": 1, "sha256": SHA} for path in ("a", "a/b")]
    assert "'a' is a file and the folder of another" in problems({"digest": SHA, "source": S3, "files": files})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"digest": NaN}',
        b"[" * 100_000,
        b'{"size": ' + b"9" * 5000 + b"}",
        b'{"digest": "a", "digest": "b"}',
    ],
)
def test_text_that_is_not_json_is_refused_without_a_traceback(raw: bytes) -> None:
    with pytest.raises(ListingError, match="not valid JSON"):
        listing.parse(raw)


@pytest.mark.parametrize("data", [[], 1, None, {}, {"files": []}, {"files": {}}, {"files": [1]}, {"files": [{}]}])
def test_json_of_another_shape_is_refused(data: Any) -> None:
    assert problems(data)


def test_all_problems_come_at_once() -> None:
    bad = one_file(size=-1, sha256="x")
    text = problems({**bad, "source": {"uri": "ftp://x/"}, "extra": 1})
    for part in ("files[0].size", "files[0].sha256", "scheme 'ftp'", "unknown key 'extra'"):
        assert part in text


def test_random_damage_never_ends_in_anything_but_a_listing_or_a_listing_error() -> None:
    seed = 20261124
    rnd = random.Random(seed)
    good = json.dumps(document({"a/b.bin": b"x", "c": b"y"}, S3)).encode()
    for _ in range(2000):
        raw = bytearray(good)
        for _ in range(rnd.randint(1, 4)):
            raw[rnd.randrange(len(raw))] = rnd.randrange(256)
        try:
            listing.parse(bytes(raw))
        except ListingError:
            continue
