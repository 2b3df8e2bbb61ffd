"""A small S3 client, signature version 4: make a bucket, ask for a size, put a file. Imports the standard library only.

The signature follows "Signature Calculations for the Authorization Header" in Amazon's S3 API reference.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from cluster.embedded.errors import ClusterError

BUCKET = "models"
REGION = "us-east-1"
_UNSIGNED = "UNSIGNED-PAYLOAD"
_SIGNED_HEADERS = "host;x-amz-content-sha256;x-amz-date"


@dataclass(frozen=True)
class Keys:
    """What an S3 client signs with."""

    access_key: str
    secret_key: str

    @classmethod
    def random(cls) -> Keys:
        return cls(secrets.token_hex(10), secrets.token_hex(20))

    @classmethod
    def of(cls, configuration: Path) -> Keys:
        """The administrator's keys in a configuration that `configuration` below made."""
        credentials = json.loads(configuration.read_text())["identities"][0]["credentials"][0]
        return cls(credentials["accessKey"], credentials["secretKey"])


def configuration(keys: Keys) -> dict[str, Any]:
    """SeaweedFS's s3.json: an administrator, and anyone may read and list the bucket of models."""
    credentials = [{"accessKey": keys.access_key, "secretKey": keys.secret_key}]
    return {
        "identities": [
            {"name": "admin", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
            {"name": "anonymous", "actions": [f"Read:{BUCKET}", f"List:{BUCKET}"]},
        ]
    }


def environment(keys: Keys, endpoint: str) -> str:
    """Shell exports for S3 clients on the host."""
    values = {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
    }
    return "".join(f"export {name}={value}\n" for name, value in values.items())


@dataclass(frozen=True)
class Client:
    """An S3 server at `host:port`, plain HTTP, path style."""

    host: str
    port: int
    keys: Keys
    timeout: float = 60.0

    def make_bucket(self, bucket: str) -> None:
        """Make a bucket; one that is there is as good. Raises ClusterError and OSError."""
        if self._call("HEAD", f"/{bucket}").status != http.HTTPStatus.OK:
            self._expect("PUT", f"/{bucket}")

    def size(self, bucket: str, key: str) -> int | None:
        """Bytes of an object, None where there is none. Raises ClusterError and OSError."""
        answer = self._call("HEAD", f"/{bucket}/{quote(key)}")
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return None
        if answer.status != http.HTTPStatus.OK:
            raise ClusterError(f"S3 answers {answer.status} {answer.reason} to HEAD {bucket}/{key}")
        return int(answer.headers["Content-Length"])

    def put(self, bucket: str, key: str, file: Path) -> None:
        """Store a file's bytes under a key. Raises ClusterError and OSError."""
        with file.open("rb") as body:
            self._expect("PUT", f"/{bucket}/{quote(key)}", body, {"Content-Length": str(file.stat().st_size)})

    def _expect(self, method: str, path: str, body: IO[bytes] | None = None, headers: Mapping[str, str] = {}) -> None:
        answer = self._call(method, path, body, headers)
        if answer.status != http.HTTPStatus.OK:
            raise ClusterError(f"S3 answers {answer.status} {answer.reason} to {method} {path}")

    def _call(
        self, method: str, path: str, body: IO[bytes] | None = None, headers: Mapping[str, str] = {}
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        signed = sign(self.keys, method, f"{self.host}:{self.port}", path, datetime.now(UTC))
        try:
            connection.request(method, path, body, {**headers, **signed})
            answer = connection.getresponse()
            answer.read()
            return answer
        finally:
            connection.close()


def sign(keys: Keys, method: str, host: str, path: str, now: datetime) -> dict[str, str]:
    """The headers that sign a request without query for `path` (quoted already). The body is not part of it."""
    time, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"host": host, "x-amz-content-sha256": _UNSIGNED, "x-amz-date": time}
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"{method}\n{path}\n\n{lines}\n{_SIGNED_HEADERS}\n{_UNSIGNED}"
    scope = f"{day}/{REGION}/s3/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(_signing_key(keys, scope), to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={keys.access_key}/{scope}"
    return {
        **headers,
        "authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={_SIGNED_HEADERS}, Signature={signature}",
    }


def _signing_key(keys: Keys, scope: str) -> bytes:
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
