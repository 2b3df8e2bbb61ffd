"""The whole job: is it there, who may write, what is missing, fetch, verify, publish; imports the stager's modules."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stager import lease, publish, receipt, survey, verify
from stager.errors import Interrupted, NoSpace, StagerError, VerificationFailed, VolumeFailed
from stager.journal import Journal
from stager.listing import RECEIPT, Listing
from stager.report import Progress, amount, say, span
from stager.retry import Patience
from stager.sources.base import Source
from stager.sources.connect import connect
from stager.transfer import Transfer, identity_of
from stager.volume import Volume, make_folders, remove
from stager.window import PIECE, Window

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SECONDS_BETWEEN_LOOKS = 0.5  # of one who waits for another stager


@dataclass(frozen=True)
class Options:
    """How to stage; times in seconds."""

    volume: Volume
    parallel: int = 8
    lease_seconds: float = lease.DEFAULT_SECONDS
    patience: Patience = field(default_factory=Patience)
    progress_every: float = 5.0


def stage(listing: Listing, options: Options) -> str:
    """Publish the set of a listing, or find it published; the line that says which. Raises StagerError."""
    options.volume.require()
    waiting_for = ""
    while True:
        with volume_failures(options.volume):
            if found := complete(listing, options.volume):
                return found
            held = _acquire(listing, options)
            if isinstance(held, lease.Lease):
                try:
                    return _as_holder(listing, options, held)
                except lease.LeaseLost:
                    say("another stager has taken over; waiting for it")
            elif held.description != waiting_for:
                waiting_for = held.description
                say(f"{waiting_for} is staging this set; waiting for it")
        time.sleep(SECONDS_BETWEEN_LOOKS)


def complete(listing: Listing, volume: Volume) -> str | None:
    """A line when the set is published and whole, None when nothing is. The source is not asked.

    Raises VerificationFailed when something is there and is not the set.
    """
    folder = volume.published(listing.digest)
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    doubts = receipt.doubts(folder, listing)
    if doubts:
        say(f"{folder} has to be hashed again: {'; '.join(doubts[:3])}")
        check(listing, volume)
        _renew_receipt(folder, listing)
    return f"complete already: {listing.digest}, {len(listing.files)} files; the source was not asked"


def check(listing: Listing, volume: Volume) -> str:
    """Hash the published set again; the line that says it is right. Raises VerificationFailed naming what is not."""
    folder = volume.published(listing.digest)
    if not folder.is_dir():
        raise VerificationFailed("verification failed", [f"{folder} is not published"])
    if bad := verify.problems(folder, listing):
        raise VerificationFailed("the published set is damaged", bad, f"remove {folder} to stage it again")
    return f"verified: {listing.digest}, {len(listing.files)} files"


def plan(listing: Listing, options: Options) -> str:
    """Say what would be fetched, and fetch and write nothing. Raises what staging would raise before its first byte."""
    options.volume.require()
    if found := complete(listing, options.volume):
        return found
    folder = options.volume.staging(listing.digest)
    work = survey.Work.at(lease.latest_work(folder) or folder)
    source = connect(listing.source, options.patience, PIECE)
    found_there = survey.look(listing, source, work, options.parallel, options.patience, threading.Event())
    survey.require_space(options.volume, found_there.needed)
    for part in found_there.parts:
        left = sum(end - start for start, end in part.missing())
        say(
            f"{part.file.path}: {amount(left)} of {amount(part.remote.size)} to fetch from {source.uri(part.file.path)}"
        )
    left = found_there.total - _kept(found_there)
    return (
        f"plan: {len(found_there.parts)} of {len(listing.files)} files, {amount(left)} of {amount(found_there.total)}"
    )


def _acquire(listing: Listing, options: Options) -> lease.Lease | lease.Holder:
    folder = options.volume.staging(listing.digest)
    try:
        return lease.acquire(folder, options.volume.root, options.lease_seconds)
    except FileNotFoundError:  # the folder was cleared away meanwhile: its stager has published
        return lease.Holder("another stager that has just ended")


def _as_holder(listing: Listing, options: Options, held: lease.Lease) -> str:
    try:
        # Published between the look and the lease: the folder that the lease lies in is then only left to be removed.
        line = complete(listing, options.volume) or _fetch_and_publish(listing, options, held)
        remove(held.folder)
        return line
    except (OSError, StagerError) as error:
        if not isinstance(error, Interrupted):
            held.confirm()  # one who was taken over finds its paths gone: that is no failure of the volume
        if isinstance(error, OSError) and error.errno in FULL:
            remove(held.work)
            raise NoSpace("no space on the volume", [str(error.strerror)], "the partial data was removed") from None
        raise
    finally:
        held.release()


def _fetch_and_publish(listing: Listing, options: Options, held: lease.Lease) -> str:
    began = time.monotonic()
    stop = threading.Event()
    work = survey.Work.at(held.work)
    source = connect(listing.source, options.patience, PIECE)
    try:
        found = survey.look(listing, source, work, options.parallel, options.patience, stop)
        survey.require_space(options.volume, found.needed)
        say(
            f"staging {listing.digest}: {len(listing.files)} files, {amount(found.total)} from {listing.source.uri}, "
            f"{amount(_kept(found))} of it kept from an earlier run"
        )
        fetched = _fetch(listing, options, held, found, source, stop)
    finally:
        stop.set()
    _publish(listing, options.volume, held, source)
    took = time.monotonic() - began
    return (
        f"published {listing.digest}: {len(listing.files)} files, {amount(found.total)} verified in {span(took)}, "
        f"{amount(fetched)} of it fetched from {listing.source.uri}"
    )


def _fetch(
    listing: Listing, options: Options, held: lease.Lease, found: survey.Survey, source: Source, stop: threading.Event
) -> int:
    """Bytes fetched."""
    work = survey.Work.at(held.work)
    make_folders(work.root, held.work)
    journal = Journal(held.work / "journal", dict(work.records))
    for part in found.parts:
        if not part.resumed:
            identity = identity_of(source, part.file.path, part.remote)
            journal.begun(part.index, part.number, part.remote.size, identity)
    window = Window(found.total, options.parallel, stop)
    transfer = Transfer(found.parts, source, work.root, journal, window, options.patience, held.check, stop)
    kept = _kept(found) - transfer.complete_bytes
    progress = Progress(found.total, kept + transfer.complete_bytes)
    transfer.run(options.parallel, lambda: say(progress.line(kept + transfer.complete_bytes)), options.progress_every)
    return transfer.fetched


def _publish(listing: Listing, volume: Volume, held: lease.Lease, source: Source) -> None:
    root = held.work / "set"
    uris = {file.path: source.uri(file.path) for file in listing.files}
    receipt.write(root, receipt.build(listing, root, uris))
    held.confirm()
    known = [RECEIPT, *uris]
    if not publish.publish(root, volume.published(listing.digest), known) and not complete(listing, volume):
        raise VolumeFailed(f"{volume.published(listing.digest)} cannot be replaced")
    for digest in publish.sweep(volume, mine=listing.digest):
        say(f"removed the partial data of {digest}, untouched for a day")


def _kept(found: survey.Survey) -> int:
    """Bytes that need not be fetched."""
    return found.total - sum(end - start for part in found.parts for start, end in part.missing())


def _renew_receipt(folder: Path, listing: Listing) -> None:
    """Spare the next run the hashing; where the set cannot be written to, it will hash again."""
    uris = {file.path: "" for file in listing.files}
    try:
        receipt.write(folder, receipt.build(listing, folder, uris))
    except OSError as error:
        say(f"{folder / RECEIPT} cannot be renewed: {error.strerror}")


@contextmanager
def volume_failures(volume: Volume) -> Iterator[None]:
    """An OSError that got here came from the volume."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise NoSpace("no space on the volume", [f"{volume.root}: {error.strerror}"]) from None
        name = f" ({os.path.relpath(error.filename, volume.root)})" if error.filename else ""
        raise VolumeFailed(f"the volume {volume.root} failed: {error.strerror or error}{name}") from error


__all__ = ["Options", "StagerError", "check", "complete", "plan", "stage"]
