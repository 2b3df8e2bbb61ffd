"""Whether the stack's cluster is there at all, before Pulumi asks it about every object. Imports ops.console."""

from __future__ import annotations

import os
import subprocess

from ops.console import Failure

_PATIENCE = "10s"


def reach(stack: str, context: str) -> None:
    """Raise Failure when the kubeconfig lacks the stack's context, or when its API server does not answer."""
    known = _kubectl("config", "get-contexts", "--output=name")
    if known.returncode:
        raise Failure(f"kubectl cannot read the kubeconfig:\n{known.stderr.rstrip()}")
    contexts = known.stdout.split()
    if context not in contexts:
        raise Failure(
            f"stack {stack} runs on the cluster of context {context!r} (substrate:cluster in Pulumi.{stack}.yaml), and "
            f"the kubeconfig {os.environ.get('KUBECONFIG', '~/.kube/config')} has {_named(contexts)}\n"
            f"  what to do: make up STACK={stack} CLUSTER=existing KUBECONFIG=/path/to/one/that/has/it"
        )
    answer = _kubectl("--context", context, "api-versions", f"--request-timeout={_PATIENCE}")
    if answer.returncode:
        raise Failure(
            f"the API server of context {context!r} does not answer:\n{answer.stderr.rstrip()}\n"
            f"  what to do: see that `kubectl --context {context} get nodes` works, then run this again"
        )


def _named(contexts: list[str]) -> str:
    return f"only {', '.join(sorted(contexts))}" if contexts else "none at all"


def _kubectl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["kubectl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
