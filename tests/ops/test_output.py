"""What a person sees of a running update."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import pulumi


def test_line_that_repeats_the_one_before_is_shown_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\nprintf 'creating\\ncreating\\ncreated\\ncreating\\n'; exit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    code, kept = pulumi.stream(["up"])

    assert capsys.readouterr().out == "creating\ncreated\ncreating\n"
    assert (code, kept) == (3, "creating\ncreating\ncreated\ncreating\n")
