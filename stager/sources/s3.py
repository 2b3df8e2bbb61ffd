"""S3 and what speaks its protocol, through obstore; imports obstore and the standard library."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import S3Store

from stager import USER_AGENT, listing
from stager.errors import SourceRefused
from stager.retry import Patience
from stager.sources.base import Changed, Remote, Transient

STATUS = re.compile(r"status code: (\d{3})")
CODE = re.compile(r"<Code>([^<]*)</Code>")
MESSAGE = re.compile(r"<Message>([^<]*)</Message>")
CAUSE = re.compile(r'"(tcp connect error|dns error)"|(TimedOut|UnexpectedEof|IncompleteMessage)')
UNTRUSTED = "the endpoint's certificate is not trusted here; SSL_CERT_FILE names the authorities that are"
# S3 error codes with a 4xx status that ask for another try.
PASSING_CODES = {"RequestTimeout", "SlowDown", "ThrottlingException", "TooManyRequests", "OperationAborted"}
PASSING_STATUSES = {408, 425, 429}
# How a pod gets AWS credentials: keys, IRSA, EKS pod identity. Without any, obstore would ask the instance's metadata.
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
MEANINGS = {
    "AccessDenied": "these credentials may not read it",
    "InvalidAccessKeyId": "AWS_ACCESS_KEY_ID is not known there",
    "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY is not the one of this key",
    "ExpiredToken": "AWS_SESSION_TOKEN has expired",
    "RequestTimeTooSkewed": "the clock of this machine is off",
    "NoSuchBucket": "no such bucket",
    "NoSuchKey": "no such object",
}


class S3Source:
    """Objects below a prefix of one bucket. obstore retries nothing: the waiting is done in one place, retry.py.

    Responses' headers do not come through obstore, so a Retry-After of S3 is not seen; S3 sends none with its SlowDown.
    """

    def __init__(self, where: listing.Source, patience: Patience, piece: int) -> None:
        parts = urlsplit(where.uri)
        self._bucket = parts.netloc
        self._prefix = parts.path.strip("/") + "/" if parts.path.strip("/") else ""
        self._piece = piece
        if not where.anonymous and not any(os.environ.get(name) for name in CREDENTIALS):
            raise SourceRefused(
                "the source refused",
                [
                    f"{where.uri}: no credentials: give a secretRef with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                    "or say anonymous: true for a public bucket"
                ],
            )
        self._store = _store(self._bucket, where, patience)

    def uri(self, path: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{path}"

    def stat(self, path: str) -> Remote:
        try:
            meta = obstore.head(self._store, self._prefix + path)
        except (BaseError, OSError) as error:
            raise self._judged(path, self._reason_for(path, error)) from None
        return _remote(meta)

    def read(self, path: str, start: int, end: int, remote: Remote) -> Iterator[bytes]:
        options: Any = {"range": (start, end), "if_match": _etag(remote)}
        try:
            result = obstore.get(self._store, self._prefix + path, options=options)
            if _remote(result.meta) != remote:
                raise Changed(f"{self.uri(path)} is another version now")
            if tuple(result.range) != (start, end):
                raise Transient(f"asked for bytes {start}-{end}, got {result.range}")
            yield from result.stream(min_chunk_size=self._piece)
        except PreconditionError:
            raise Changed(f"{self.uri(path)} is another version now") from None
        except (BaseError, OSError) as error:
            raise self._judged(path, error) from None

    def _reason_for(self, path: str, error: Exception) -> Exception:
        """The same refusal with S3's own code: a HEAD has no body to carry it, so the first byte is asked for."""
        if _status(error) not in (400, 401, 403, 404):
            return error
        try:
            obstore.get(self._store, self._prefix + path, options={"range": (0, 1)})
        except (BaseError, OSError) as detailed:
            return detailed
        return error

    def _judged(self, path: str, error: Exception) -> Exception:
        text = str(error)
        status = _status(error)
        if "InvalidCertificate" in text:
            return SourceRefused("the source refused", [f"s3://{self._bucket}/: {UNTRUSTED}"])
        code = _first(CODE, text)
        if status is None or status >= 500 or status in PASSING_STATUSES or code in PASSING_CODES:
            return Transient(_described(status, code, text))
        if status == 416:
            return Changed(f"{self.uri(path)} became shorter")
        target = f"s3://{self._bucket}/" if code == "NoSuchBucket" else self.uri(path)
        return SourceRefused("the source refused", [f"{target}: {_described(status, code, text)}"])


def _store(bucket: str, where: listing.Source, patience: Patience) -> S3Store:
    endpoint = where.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = where.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    config: dict[str, Any] = {"region": region, "skip_signature": where.anonymous}
    if endpoint:
        config["endpoint"] = endpoint
    return S3Store(
        bucket,
        client_options={
            "allow_http": bool(endpoint and endpoint.startswith("http://")),
            "connect_timeout": timedelta(seconds=patience.connect),
            "read_timeout": timedelta(seconds=patience.read),
            "timeout": timedelta(hours=1),  # of a whole range; what stalls is ended by read_timeout
            "user_agent": USER_AGENT,
        },
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=0)},
        **config,
    )


def _remote(meta: Any) -> Remote:
    return Remote(meta["size"], meta["e_tag"] or meta["last_modified"].isoformat())


def _etag(remote: Remote) -> str | None:
    return remote.version if remote.version.startswith('"') else None


def _status(error: Exception) -> int | None:
    found = _first(STATUS, str(error))
    return int(found) if found else None


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return next((group for group in found.groups() if group), "") if found else ""


def _described(status: int | None, code: str, text: str) -> str:
    if status is None:
        return _first(CAUSE, text) or text.splitlines()[0].rpartition(" - ")[2]
    words = [str(status), code, MEANINGS.get(code) or _first(MESSAGE, text)]
    return " ".join(word for word in words if word)
