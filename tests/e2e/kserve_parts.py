"""A transformer and an explainer for the tests: one small program, run by the Python of the stager's image."""

from __future__ import annotations

import json
from typing import Any

from cluster import images

MARK = "seen_by"
# Takes KServe's arguments; a transformer passes requests on and puts its mark into JSON answers, an explainer answers
# itself, with what it was asked and by which arguments it was started.
_PROGRAM = """import json, os, sys, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
role = os.environ["ROLE"]
class Part(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"{}") if self.path == "/" else self.passed(None)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if role == "explainer":
            self.answer(json.dumps({"path": self.path, "given": given, "asked": json.loads(body)}).encode())
        else:
            self.passed(body)
    def passed(self, body):
        target = "http://" + given["--predictor_host"] + self.path
        request = urllib.request.Request(target, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request) as response:
            found = json.loads(response.read())
        self.answer(json.dumps({**found, "seen_by": role}).encode())
    def answer(self, body):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("", int(given["--http_port"])), Part).serve_forever()
"""


def part(role: str) -> dict[str, Any]:
    """A part's block in a stack file."""
    return {
        "image": images.reference("stager"),
        "command": ["python3.11", "-c", _PROGRAM],
        "env": {"ROLE": role},
        "cpus": "100m",
        "memory": "128Mi",
    }


def settings() -> str:
    """The `kserve` block of a model with both, as a line of a stack file: JSON is YAML too."""
    parts = {role: part(role) for role in ("transformer", "explainer")}
    return f"      kserve: {json.dumps(parts)}\n"
