"""What people read: no secret in it, and the end of the termination log says what happened however long it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from stager import report
from stager.errors import VerificationFailed


def test_a_presigned_query_is_not_printed() -> None:
    text = "GET https://cdn.example/a/b.bin?X-Amz-Signature=abc&X-Amz-Credential=AKIA failed, 'http://h/x?sig=1'"
    assert "abc" not in report.redact(text)
    assert "sig=1" not in report.redact(text)
    assert "https://cdn.example/a/b.bin" in report.redact(text)


def test_a_user_in_an_address_is_not_printed() -> None:
    assert report.redact("https://me:pass@host/x") == "https://host/x"


@pytest.mark.parametrize("name", report.SECRETS)
def test_a_secret_of_the_environment_is_not_printed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "canary-0123456789")
    assert report.redact("key canary-0123456789 refused") == f"key <{name}> refused"


def test_the_termination_log_fits_what_the_kubelet_reads_and_ends_with_the_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    log.write_text("")
    monkeypatch.setenv("STAGER_TERMINATION_LOG", str(log))
    bad = [f"{n}.bin: expected sha256 {'a' * 64}, got {'b' * 64}" for n in range(100)]
    report.conclude(VerificationFailed("verification failed", bad, "nothing was published").lines())
    text = log.read_bytes()
    assert len(text) <= report.LARGEST_TERMINATION_LOG
    assert text.startswith(b"0.bin: expected")
    assert text.splitlines()[-1].startswith(b"verification failed: 100 problems: 0.bin")
    assert text.endswith(b"nothing was published")


def test_no_termination_log_is_made_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGER_TERMINATION_LOG", str(tmp_path / "none"))
    report.conclude(["done"])
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 2**30, "5.0 GiB"), (2**52, "4096.0 TiB")]
)
def test_bytes_are_written_for_people(count: int, text: str) -> None:
    assert report.amount(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_times_are_written_for_people(seconds: float, text: str) -> None:
    assert report.span(seconds) == text
