"""A real S3 server for tests: SeaweedFS in one process, plain and TLS, and its own count of the bytes it sent."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cluster import tools
from tests.ports import free_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY, SECRET = "AKIASTAGERTEST", "stager-test-secret"
PUBLIC, PRIVATE = "public", "private"
IDENTITIES = {
    "identities": [
        {
            "name": "admin",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {"name": "anonymous", "actions": [f"Read:{PUBLIC}", f"List:{PUBLIC}"]},
    ]
}
PORTS = ("master", "volume", "filer", "s3")
SENT = re.compile(r'^SeaweedFS_s3_bucket_traffic_sent_bytes_total\{bucket="([^"]+)"\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True)
class Weed:
    """A running server."""

    process: subprocess.Popen[bytes]
    endpoint: str
    https: str
    authority: Path  # PEM, of the one that signed its certificate
    metrics: str

    def client(self) -> S3Client:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 10}),
        )

    def put(self, bucket: str, prefix: str, contents: Mapping[str, bytes]) -> None:
        client = self.client()
        for path, data in contents.items():
            client.put_object(Bucket=bucket, Key=f"{prefix}/{path}", Body=data)

    def sent(self) -> int:
        """Bytes of bodies sent so far, by the server's own count, once it has settled."""
        last = -1
        while (now := self._sent()) != last:
            last = now
            time.sleep(0.5)
        return now

    def _sent(self) -> int:
        with urllib.request.urlopen(self.metrics) as answer:
            return sum(int(float(value)) for _, value in SENT.findall(answer.read().decode()))


def start(folder: Path) -> Weed:
    """Start a server in a folder and wait until it takes an object."""
    tools.ensure(["weed"])
    ports = {name: free_port() for name in (*PORTS, *(f"{name}.grpc" for name in PORTS), "s3.https", "metrics")}
    (folder / "data").mkdir()
    (folder / "s3.json").write_text(json.dumps(IDENTITIES))
    certificate, key, authority = _certificates(folder)
    command = [
        str(tools.path("weed")),
        "server",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        f"-s3.config={folder / 's3.json'}",
        f"-s3.cert.file={certificate}",
        f"-s3.key.file={key}",
        f"-s3.port.https={ports['s3.https']}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.localSocket={folder / 's3.sock'}",
        f"-filer.localSocket={folder / 'filer.sock'}",
        f"-metricsPort={ports['metrics']}",
        "-volume.max=20",
        "-master.volumeSizeLimitMB=1024",
        *(f"-{name}.port={ports[name]}" for name in PORTS),
        *(f"-{name}.port.grpc={ports[f'{name}.grpc']}" for name in PORTS),
    ]
    log = (folder / "weed.log").open("wb")
    process = subprocess.Popen(
        command, cwd=folder, stdout=log, stderr=log, env={**os.environ, "GOMEMLIMIT": "400MiB", "HOME": str(folder)}
    )
    weed = Weed(
        process,
        f"http://127.0.0.1:{ports['s3']}",
        f"https://127.0.0.1:{ports['s3.https']}",
        authority,
        f"http://127.0.0.1:{ports['metrics']}/metrics",
    )
    _wait(weed, folder / "weed.log")
    return weed


def _wait(weed: Weed, log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        assert weed.process.poll() is None, log.read_text()[-2000:]
        try:
            _prepare(weed.client())
            return
        except (BotoCoreError, ClientError):
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.2)


def _prepare(client: S3Client) -> None:
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for bucket in {PUBLIC, PRIVATE} - there:
        client.create_bucket(Bucket=bucket)
    for bucket in (PUBLIC, PRIVATE):
        client.put_object(Bucket=bucket, Key="ready", Body=b"yes")


def _certificates(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate for 127.0.0.1, its key, and the authority that signed it, as PEM files."""
    signer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    ca = x509.BasicConstraints(ca=True, path_length=0)
    authority = _unsigned("authority", signer).add_extension(ca, critical=True).sign(signer, hashes.SHA256())
    leaf = _unsigned("server", key).add_extension(address, critical=False).sign(signer, hashes.SHA256())
    (folder / "ca.crt").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.crt").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "tls.crt", folder / "tls.key", folder / "ca.crt"


def _unsigned(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(days=1),
        now + timedelta(days=30),
    )
