"""A hub with Hugging Face's interface: resolve addresses, commit and linked headers, redirects to a CDN, refusals."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.stager.webserver import Handler, Server, Site

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "acme/tiny"


@dataclass
class Hub:
    """What the hub holds. Files named in `large` are sent by the CDN at `cdn`, the others by the hub itself."""

    files: dict[str, bytes]
    large: set[str] = field(default_factory=set)
    cdn: str = ""
    token: str = ""  # wanted when not empty
    gated: bool = False
    moved_to: str = ""  # the repository's new name: its old addresses redirect, on the same host
    generation: int = 1  # part of the CDN's signature; a rise makes the old addresses expire


class HubServer(Server):
    """`/{repo}/resolve/{revision}/{path}` of one repository."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(Site())
        self.hub = hub

    def route(self, handler: Handler, body: bool) -> None:
        repository, _, rest = unquote(handler.path).lstrip("/").partition("/resolve/")
        revision, _, path = rest.partition("/")
        if self.hub.moved_to and repository == REPOSITORY:
            handler.status(307, Location=f"/{self.hub.moved_to}/resolve/{rest}")
        elif refusal := self._refusal(repository, revision, path, handler.headers.get("Authorization", "")):
            handler.status(refusal[0], **({"X_Error_Code": refusal[1]} if refusal[1] else {}))
        elif path in self.hub.large:
            self._redirect(handler, path)
        else:
            self.site.files = self.hub.files
            handler.send_file(path, body)

    def _refusal(self, repository: str, revision: str, path: str, authorization: str) -> tuple[int, str] | None:
        """Status and X-Error-Code, as the hub gives them."""
        hub, sent = self.hub, authorization.removeprefix("Bearer ")
        if repository not in (REPOSITORY, hub.moved_to):
            return (404 if sent else 401), "RepoNotFound"
        if hub.token and sent != hub.token:
            return 401, "GatedRepo" if hub.gated and not sent else ""
        if hub.gated:
            return 403, "GatedRepo"
        if revision != COMMIT:
            return 404, "RevisionNotFound"
        return None if path in hub.files else (404, "EntryNotFound")

    def _redirect(self, handler: Handler, path: str) -> None:
        data = self.hub.files[path]
        handler.status(
            302,
            Location=f"{self.hub.cdn}/{path}?X-Signature=s3cret-{self.hub.generation}",
            X_Repo_Commit=COMMIT,
            X_Linked_Etag=f'"{hashlib.sha256(data).hexdigest()}"',
            X_Linked_Size=str(len(data)),
        )


class CdnServer(Server):
    """The CDN of a hub: it wants its signature, and refuses a request that carries a token."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(Site(files=hub.files))
        self.hub = hub

    def route(self, handler: Handler, body: bool) -> None:
        path, _, query = handler.path.partition("?")
        if handler.headers.get("Authorization"):
            handler.status(400)
        elif query != f"X-Signature=s3cret-{self.hub.generation}":
            handler.status(403)
        else:
            handler.send_file(unquote(path).lstrip("/"), body)
