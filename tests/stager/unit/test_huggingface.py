"""A Hugging Face source by its real interface: redirects, linked headers, tokens that stay home, clear refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from stager.errors import SourceRefused, VerificationFailed
from stager.sources.huggingface import origin
from stager.stage import stage
from tests.stager import sets
from tests.stager.hub import COMMIT, REPOSITORY, CdnServer, Hub, HubServer
from tests.stager.webserver import Server, answering, passing, serving

CONTENTS = {"model.safetensors": sets.noise(2_000_000), "config.json": b"{}"}
TOKEN = "hf_canary0123456789"


class Field(NamedTuple):
    """A hub and its CDN, on two ports: two origins."""

    hub: Hub
    server: Server
    cdn: Server


@pytest.fixture
def field(monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    hub = Hub(dict(CONTENTS), large={"model.safetensors"})
    with serving(HubServer(hub)) as server, serving(CdnServer(hub)) as cdn:
        hub.cdn = cdn.url
        yield Field(hub, server, cdn)


def stage_from(field: Field, volume: Path, repository: str = REPOSITORY, revision: str = COMMIT) -> dict[str, bytes]:
    listed = sets.listed(CONTENTS, uri=f"hf://{repository}", endpoint=field.server.url, revision=revision)
    stage(listed, sets.options(volume))
    return sets.published(volume, listed.digest)


def refusal(field: Field, volume: Path, **where: str) -> str:
    with pytest.raises(SourceRefused) as raised:
        stage_from(field, volume, **where)
    assert raised.value.code == 4
    return "\n".join(raised.value.lines())


def test_small_files_come_from_the_hub_and_large_ones_from_the_cdn(field: Field, tmp_path: Path) -> None:
    assert stage_from(field, tmp_path) == CONTENTS
    assert field.cdn.site.sent == len(CONTENTS["model.safetensors"])


def test_the_token_is_sent_to_the_hub_and_to_no_other_host(
    field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    field.hub.token = TOKEN
    assert stage_from(field, tmp_path) == CONTENTS
    assert all(request.headers.get("authorization") == f"Bearer {TOKEN}" for request in field.server.site.requests)
    assert field.cdn.site.requests
    assert not any("authorization" in request.headers for request in field.cdn.site.requests)
    assert not any(TOKEN in str(request) for request in field.cdn.site.requests)


def test_a_repository_that_was_renamed_is_followed_with_the_token(
    field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    field.hub.token, field.hub.moved_to = TOKEN, "acme/tiny-renamed"
    assert stage_from(field, tmp_path) == CONTENTS


def test_the_hub_is_asked_for_the_address_once_a_file_not_once_a_range(field: Field, tmp_path: Path) -> None:
    stage_from(field, tmp_path)
    large = [request for request in field.server.site.requests if request.path.endswith("model.safetensors")]
    assert len(large) == 1
    assert len(field.cdn.site.asked("GET")) > 4


def test_an_address_at_the_cdn_that_expired_is_asked_for_again(field: Field, tmp_path: Path) -> None:
    def expire(handler: object) -> bool:
        field.hub.generation += 1
        return False

    field.cdn.site.faults.extend([passing, passing, expire])
    assert stage_from(field, tmp_path) == CONTENTS


def test_a_cdn_that_refuses_even_a_fresh_address_ends_with_4(field: Field, tmp_path: Path) -> None:
    field.cdn.site.faults.extend([answering(403)] * 50)
    assert "model.safetensors at the CDN 127.0.0.1: 403" in refusal(field, tmp_path)


def test_a_reset_of_the_cdn_goes_on_at_the_very_byte(field: Field, tmp_path: Path) -> None:
    def cut(handler: object) -> bool:
        handler.send_file("model.safetensors", body=True, cut=100_000)  # type: ignore[attr-defined]
        return True

    field.cdn.site.faults.extend([cut, cut])
    assert stage_from(field, tmp_path) == CONTENTS


def test_no_token_where_one_is_wanted_says_so(field: Field, tmp_path: Path) -> None:
    field.hub.token = TOKEN
    text = refusal(field, tmp_path)
    assert "401 no token was sent" in text and "HF_TOKEN" in text


def test_no_token_for_a_gated_repository_says_that_it_is_gated(field: Field, tmp_path: Path) -> None:
    field.hub.token, field.hub.gated = TOKEN, True
    assert "401 no token was sent and it is gated" in refusal(field, tmp_path)


def test_an_invalid_token_says_so_and_is_not_printed(
    field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    field.hub.token = TOKEN
    monkeypatch.setenv("HF_TOKEN", "hf_mistyped987654")
    text = refusal(field, tmp_path)
    assert "401 the token in HF_TOKEN is not valid" in text
    assert "hf_mistyped987654" not in text


def test_a_gated_repository_says_where_to_ask_for_access(
    field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    field.hub.token, field.hub.gated = TOKEN, True
    text = refusal(field, tmp_path)
    assert f"403 gated: request access at {field.server.url}/{REPOSITORY}" in text


def test_repository_revision_and_file_that_do_not_exist_are_told_apart(
    field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert "404 no such repository" in refusal(field, tmp_path, repository="acme/none")
    assert f"404 no commit {'f' * 40}" in refusal(field, tmp_path, revision="f" * 40)
    del field.hub.files["config.json"]
    assert "config.json: 404 no such file in that commit" in refusal(field, tmp_path)


def test_an_anonymous_source_sends_no_token(field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    listed = sets.listed(CONTENTS, uri=f"hf://{REPOSITORY}", endpoint=field.server.url, revision=COMMIT, anonymous=True)
    stage(listed, sets.options(tmp_path))
    assert not any("authorization" in request.headers for request in field.server.site.requests)


def test_a_file_whose_linked_sha256_is_another_is_refused_before_a_byte_of_it_is_fetched(
    field: Field, tmp_path: Path
) -> None:
    field.hub.files["model.safetensors"] = sets.noise(2_000_000, seed=9)
    with pytest.raises(VerificationFailed) as raised:
        stage_from(field, tmp_path)
    assert "model.safetensors: expected sha256" in raised.value.lines()[-1]
    assert field.cdn.site.sent == 0


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("https://hub.example/a") == origin("https://HUB.example:443/b")
    assert origin("https://hub.example") != origin("https://hub.example:8443")
    assert origin("https://hub.example") != origin("http://hub.example")
    assert origin("https://hub.example") != origin("https://hub.example.evil.example")
