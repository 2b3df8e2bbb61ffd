"""Where a team's pods send to, told from hosts: a Service of the cluster, or an address outside it."""

from __future__ import annotations

import pytest

from substrate.facts.addresses import host_and_port, names_a_service, namespace_in, of_this_machine


@pytest.mark.parametrize(
    ("host", "namespace", "service"),
    [
        ("s3.substrate-system.svc.cluster.local", "substrate-system", True),
        ("s3.storage.svc", "storage", True),
        ("minio-0.minio.storage.svc.corp.internal", "storage", True),
        ("events.audit", "audit", False),
        ("events", "home", False),
        ("s3.store.example", None, False),
        ("10.0.0.7", None, False),
        ("fd00::1", None, False),
        ("svc.example.com", None, False),
    ],
)
def test_host_says_which_namespace_it_may_mean(host: str, namespace: str | None, service: bool) -> None:
    assert namespace_in(host, own="home") == namespace
    assert names_a_service(host) == service


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "localhost", "a.localhost", "[::1]"])
def test_loopback_is_of_this_machine(host: str) -> None:
    assert of_this_machine(f"http://{host}:8080")


@pytest.mark.parametrize(
    "host", ["128.0.0.1", "localhost.example", "10.0.0.1", "0.0.0.0", "models.example", "127.0.0.1.nip.io"]
)
def test_everything_else_is_not(host: str) -> None:
    assert not of_this_machine(f"http://{host}:8080")


def test_port_that_is_not_written_is_the_schemes() -> None:
    assert host_and_port("https://s3.store.example") == ("s3.store.example", 443)
    assert host_and_port("http://events.audit/") == ("events.audit", 80)
    assert host_and_port("http://s3.store.example:8333") == ("s3.store.example", 8333)
