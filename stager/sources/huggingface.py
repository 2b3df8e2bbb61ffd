"""A model repository on Hugging Face (or a mirror with its interface); imports httpx through http.py.

The interface, as huggingface_hub uses it: HEAD {endpoint}/{repo}/resolve/{revision}/{path} answers with X-Repo-Commit,
ETag, Content-Length, and for large files with a redirect to a CDN beside X-Linked-Etag (the file's sha256) and
X-Linked-Size. Refusals carry X-Error-Code: RepoNotFound, RevisionNotFound, EntryNotFound, GatedRepo.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

import httpx

from stager import listing
from stager.errors import SourceRefused
from stager.listing import HEX_64
from stager.retry import Patience
from stager.sources.base import Remote
from stager.sources.http import answered, client, pieces, range_header, refuse, require_range

PUBLIC = "https://huggingface.co"
REDIRECTS = {301, 302, 303, 307, 308}
MOST_REDIRECTS = 5
EXPIRED = {400, 401, 403}  # what CDNs answer to a signature that has run out


class HubSource:
    """Files of one repository at one commit. The token goes to the endpoint's own origin and nowhere else."""

    def __init__(self, where: listing.Source, patience: Patience, piece: int) -> None:
        parts = urlsplit(where.uri)
        self._endpoint = (where.endpoint or os.environ.get("HF_ENDPOINT") or PUBLIC).rstrip("/")
        self._repository = f"{parts.netloc}/{parts.path.strip('/')}"
        self._revision = where.revision or ""
        self._token = "" if where.anonymous else os.environ.get("HF_TOKEN", "").strip()
        self._client = client(patience, redirects=False)
        self._piece = piece
        self._located: dict[str, str] = {}  # path -> its address at the CDN, signed and short-lived

    def uri(self, path: str) -> str:
        return f"hf://{self._repository}@{self._revision[:12]}/{path}"

    def stat(self, path: str) -> Remote:
        url, linked = self._address(path), httpx.Headers()
        for _ in range(MOST_REDIRECTS):
            with answered():
                response = self._client.head(url, headers=self._authorization(url))
            linked.update({name: response.headers[name] for name in LINKED if name in response.headers})
            self._require_commit(linked, path)
            if response.status_code not in REDIRECTS:
                self._refuse(response, path)
                return _remote(self._revision, {**response.headers, **linked}, self.uri(path))
            url = self._next(response)
            if "x-linked-size" in linked and "x-linked-etag" in linked and not self._is_ours(url):
                self._located[path] = url
                return _remote(self._revision, linked, self.uri(path))
        raise self._loop(path)

    def read(self, path: str, start: int, end: int, remote: Remote) -> Iterator[bytes]:
        with self._opened(path, range_header(start, end, remote)) as response:
            require_range(response, start, end, remote, self.uri(path))
            yield from pieces(response, self._piece)

    @contextmanager
    def _opened(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """The answer to a GET after its redirects; it starts at the CDN when the address there is known."""
        known = self._located.get(path)
        url = known or self._address(path)
        for _ in range(MOST_REDIRECTS):
            mine = {**headers, **self._authorization(url)}
            with answered(), self._client.stream("GET", url, headers=mine) as response:
                if response.status_code in REDIRECTS:
                    url = self._next(response)
                    if not self._is_ours(url):
                        self._located[path] = url
                    continue
                if response.status_code in EXPIRED and known:
                    known, url = None, self._address(path)  # its signature has run out: ask the hub for another
                    continue
                self._refuse(response, path)
                yield response
                return
        raise self._loop(path)

    def _address(self, path: str) -> str:
        return f"{self._endpoint}/{self._repository}/resolve/{self._revision}/{quote(path)}"

    def _is_ours(self, url: str) -> bool:
        return origin(url) == origin(self._endpoint)

    def _authorization(self, url: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token and self._is_ours(url) else {}

    def _next(self, response: httpx.Response) -> str:
        return str(response.request.url.join(response.headers.get("location", "")))

    def _loop(self, path: str) -> SourceRefused:
        return SourceRefused("the source refused", [f"{self.uri(path)}: more than {MOST_REDIRECTS} redirects"])

    def _require_commit(self, headers: Mapping[str, str], path: str) -> None:
        commit = headers.get("x-repo-commit", self._revision)
        if commit != self._revision:
            raise SourceRefused("the source refused", [f"{self.uri(path)}: the hub answered for commit {commit}"])

    def _refuse(self, response: httpx.Response, path: str) -> None:
        """Raises what a refusal of the hub means, told apart by status and X-Error-Code."""
        status, code = response.status_code, response.headers.get("x-error-code", "")
        if not self._is_ours(str(response.request.url)):
            refuse(response, f"{self.uri(path)} at the CDN {response.request.url.host}", {})
        elif status in (401, 403, 404):
            target, meaning = self._meaning(status, code, path)
            raise SourceRefused("the source refused", [f"{target}: {status} {meaning}"])
        refuse(response, self.uri(path), {})

    def _meaning(self, status: int, code: str, path: str) -> tuple[str, str]:
        repository = f"hf://{self._repository}"
        page = f"{self._endpoint}/{self._repository}"
        if status == 403:
            return (
                repository,
                f"gated: request access at {page} with the account of HF_TOKEN, and a token that may read it",
            )
        if status == 401 and self._token:
            return repository, "the token in HF_TOKEN is not valid (expired, revoked or mistyped)"
        if status == 401:
            gated = "it is gated" if code == "GatedRepo" else "it is private, gated or does not exist"
            return repository, f"no token was sent and {gated}: give a secretRef whose Secret holds HF_TOKEN"
        if code == "RevisionNotFound":
            return repository, f"no commit {self._revision}"
        if code == "RepoNotFound":
            return repository, "no such repository, or the token in HF_TOKEN may not see it"
        return self.uri(path), "no such file in that commit"


LINKED = ("x-linked-size", "x-linked-etag", "x-repo-commit")


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what a credential may not leave."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or ""), parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def _remote(revision: str, headers: Mapping[str, str], uri: str) -> Remote:
    size = headers.get("x-linked-size") or headers.get("content-length", "")
    if not size.isdigit():
        raise SourceRefused("the source refused", [f"{uri}: the hub does not tell its size"])
    etag = (headers.get("x-linked-etag") or headers.get("etag", "")).removeprefix("W/").strip('"')
    return Remote(int(size), f"commit {revision} etag {etag}", sha256=etag if HEX_64.fullmatch(etag) else None)
