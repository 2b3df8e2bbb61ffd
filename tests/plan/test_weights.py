"""Digest and source of a weights block."""

import hashlib

from substrate.catalog.model import Weights
from substrate.plan.weights import files_of, listing_digest, source_of

A, B = "a" * 64, "b" * 64


def weights(uri: str = "s3://models/x/", **files: str) -> Weights:
    listed = {path: {"sha256": digest, "size": "1Gi"} for path, digest in files.items()}
    return Weights.model_validate({"from": uri, "files": listed})


def test_digest_is_the_sha256_of_the_sorted_pairs():
    canonical = f'[["a.gguf","{A}"],["b.gguf","{B}"]]'
    block = weights(**{"b.gguf": B, "a.gguf": A})

    assert listing_digest(files_of(block)) == hashlib.sha256(canonical.encode()).hexdigest()


def test_same_bytes_from_another_mirror_are_the_same_weights():
    one = weights("s3://one/x/", **{"model.gguf": A})
    other = weights("https://other.example/x/", **{"model.gguf": A})

    assert listing_digest(files_of(one)) == listing_digest(files_of(other))


def test_one_changed_digit_is_another_set():
    one, other = weights(**{"model.gguf": A}), weights(**{"model.gguf": A[:-1] + "b"})

    assert listing_digest(files_of(one)) != listing_digest(files_of(other))


def test_file_source_is_a_path_on_the_store_as_the_stager_mounts_it():
    block = weights("file:///incoming/x/", **{"model.gguf": A})

    assert source_of(block).uri == "file:///weights/incoming/x/"
