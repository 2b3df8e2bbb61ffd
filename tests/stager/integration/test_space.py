"""A volume that is too small, for real: a tmpfs of eight MiB in a mount namespace of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.stager import sets
from tests.stager.webserver import Server, Site, passing, serving, stalling

SIZE = "8m"


def staged_onto_tmpfs(folder: Path, contents: dict[str, bytes], url: str, meanwhile: str = ":") -> list[str]:
    """The stager's lines, then `exit N`, then what is left on the volume; `meanwhile` is shell code run beside it."""
    sets.Command(folder, sets.document(contents, {"uri": url + "/"}), folder / "volume")
    (folder / "volume").mkdir()
    script = f"""
        mount -t tmpfs -o size={SIZE} tmpfs {folder}/volume || exit 99
        cd {folder}/volume
        ( {meanwhile} ) &
        cd {sets.ROOT}
        {sys.executable} -m stager --listing {folder}/listing.json --volume {folder}/volume
        echo "exit $?"
        wait
        find {folder}/volume -type f -printf '%P %s\\n'
    """
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_set_larger_than_the_volume_is_refused_before_a_byte_is_fetched(tmp_path: Path) -> None:
    contents = {"model.bin": sets.noise(9_000_000)}
    with serving(Server(Site(files=dict(contents)))) as web:
        lines = staged_onto_tmpfs(tmp_path, contents, web.url)
        assert web.site.sent == 0
    assert "exit 5" in lines, "\n".join(lines)
    assert any("8.0 MiB free, 9.6 MiB are needed; nothing was fetched" in line for line in lines)


def test_a_set_that_fits_is_staged(tmp_path: Path) -> None:
    contents = {"model.bin": sets.noise(6_500_000)}
    with serving(Server(Site(files=dict(contents)))) as web:
        lines = staged_onto_tmpfs(tmp_path, contents, web.url)
    assert "exit 0" in lines


def test_a_volume_that_another_fills_meanwhile_ends_with_5_and_holds_no_partial_data(tmp_path: Path) -> None:
    contents = {"model.bin": sets.noise(6_500_000)}
    filler = "until find . -name model.bin | grep -q .; do sleep 0.02; done; dd if=/dev/zero of=other bs=1M 2>/dev/null"
    with serving(Server(Site(files=dict(contents)))) as web:
        web.site.faults.extend([passing] * 2 + [stalling(2.0)] * 8)
        lines = staged_onto_tmpfs(tmp_path, contents, web.url, filler)
    assert "exit 5" in lines, "\n".join(lines)
    left = lines[lines.index("exit 5") + 1 :]
    assert any(line.startswith("other ") for line in left)
    assert not any("model.bin" in line for line in left)
