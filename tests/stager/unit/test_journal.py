"""The journal: what was written is read again, and damage costs at most the damaged lines."""

from __future__ import annotations

from pathlib import Path

from stager.journal import Journal, load

LINES = [
    b'["file",0,1,100,"s3://a etag 1"]',
    b'["wrote",0,1,0,10]',
    b'["wrote",0,1,50,60]',
    b'["file",1,1,7,"s3://b etag 2"]',
    b'["wrote",1,1,0,7]',
    b'["verified",1,1]',
]


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_a_journal_is_read_as_it_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", {})
    journal.begun(3, 1, 100, "s3://a etag 1")
    journal.wrote(3, 1, 0, 10)
    journal.wrote(3, 1, 10, 20)
    journal.verified(3, 1)
    journal.close()
    record = load(tmp_path / "journal")[3]
    assert (record.size, record.identity, record.verified) == (100, "s3://a etag 1", True)
    assert record.done.intervals() == [(0, 20)]


def test_a_line_cut_by_the_kill_is_passed_over_at_every_byte(tmp_path: Path) -> None:
    whole = b"\n".join(LINES) + b"\n"
    for length in range(len(whole)):
        path = tmp_path / "journal"
        path.write_bytes(whole[:length])
        complete = whole[:length].count(b"\n")
        got = load(path)
        claimed = sum(record.done.total() for record in got.values())
        # The last line may be whole without its newline; never is more claimed than that.
        assert claimed in {total(LINES[:complete]), total(LINES[: complete + 1])}


def total(lines: list[bytes]) -> int:
    import json

    return sum(item[4] - item[3] for item in map(json.loads, lines) if item[0] == "wrote")


def test_what_is_appended_after_a_cut_line_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(LINES[0] + b"\n" + LINES[1] + b'\n["wrote",0,1,20')
    journal = Journal(path, load(path))
    journal.wrote(0, 1, 30, 40)
    journal.close()
    assert load(path)[0].done.intervals() == [(0, 10), (30, 40)]


def test_zeroes_and_garbage_are_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "journal", LINES[0], bytes(64), b"{}", b'["wrote"]', b'["wrote",9,1,0,5]', b"1", LINES[1])
    assert load(path)[0].done.intervals() == [(0, 10)]


def test_a_later_part_replaces_an_earlier_one_and_its_late_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "journal", *LINES[:2], b'["file",0,2,90,"s3://a etag 9"]', LINES[2], b'["verified",0,1]')
    record = load(path)[0]
    assert (record.number, record.identity, record.verified) == (2, "s3://a etag 9", False)
    assert record.done.total() == 0


def test_beginning_again_keeps_what_was_known(tmp_path: Path) -> None:
    path = write(tmp_path / "journal", *LINES)
    before = load(path)
    Journal(path, before).close()
    after = load(path)
    assert {i: (r.done.intervals(), r.verified) for i, r in before.items()} == {
        i: (r.done.intervals(), r.verified) for i, r in after.items()
    }


def test_no_journal_is_an_empty_one(tmp_path: Path) -> None:
    assert load(tmp_path / "journal") == {}
