"""The environment of a shell for the cluster, and commands run inside."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.embedded import links, state
from cluster.embedded.errors import ClusterError
from cluster.embedded.layout import Inside, Root
from cluster.embedded.plan import Plan

# On a cluster of their own, people keep their own state and passphrase.
_USERS_OWN = ("PULUMI_BACKEND_URL", "PULUMI_HOME", "PULUMI_CONFIG_PASSPHRASE")


def environment(root: Root, existing: bool = False) -> dict[str, str]:
    """Variables for plain `pulumi` and `kubectl` on the embedded cluster, or on the user's own.

    Fills `root.bin` with links to the tools that are not on PATH. Raises ClusterError where an existing cluster is
    meant and no kubeconfig is there, and the errors of cluster.tools.
    """
    kubeconfig = _existing_kubeconfig() if existing else str(root.kubeconfig)
    variables = {
        "KUBECONFIG": kubeconfig,
        "PATH": _first_on_path(root.bin, os.environ.get("PATH", os.defpath)),
        "PULUMI_BACKEND_URL": f"file://{root.path / 'pulumi'}",
        "PULUMI_HOME": str(root.path / "pulumi-home"),
        # The embedded stack has no secrets, and its file carries the salt of an empty passphrase.
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    if existing:
        variables |= {name: os.environ[name] for name in _USERS_OWN if name in os.environ}
    (root.path / "pulumi").mkdir(parents=True, exist_ok=True)  # the backend wants its folder to be there
    ours = Path(variables["PULUMI_HOME"]) == root.path / "pulumi-home"
    if ours:
        links.unlogged(root.path / "pulumi-home")
    if links.put(root.bin, root.path / "pulumi-home" if ours else None):
        variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    return variables


def _existing_kubeconfig() -> str:
    """The user's KUBECONFIG, a list of files maybe, else the default file."""
    named = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    files = [part for part in named.split(os.pathsep) if part]
    if not any(Path(file).is_file() for file in files):
        raise ClusterError(
            f"no kubeconfig of an existing cluster: {named} is not there",
            remedy="make up CLUSTER=existing KUBECONFIG=/path/to/kubeconfig",
        )
    return os.pathsep.join(str(Path(file).absolute()) for file in files)


def exports(variables: Mapping[str, str]) -> str:
    """For `eval` in a shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def run_inside(root: Root, command: Sequence[str]) -> None:
    """Become `command` inside the cluster's namespaces, as its administrator. Raises ClusterError where none runs."""
    os.execvpe("nsenter", inside(root, command), os.environ | _inside_environment(root))


def inside(root: Root, command: Sequence[str]) -> list[str]:
    """The command line that runs `command` inside the cluster's namespaces. Raises ClusterError where none runs."""
    process = state.supervisor(root)
    if process is None:
        raise ClusterError(f"the cluster of {root.path} does not run", remedy="python -m cluster up")
    return ["nsenter", "--target", str(process.pid), "--mount", "--net", "--pid", "--", *command]


def _inside_environment(root: Root) -> dict[str, str]:
    plan = Plan.read(root.plan)
    path = plan.search_path() if plan else os.defpath
    return {"KUBECONFIG": str(Inside.PKI / "admin.kubeconfig"), "PATH": path, "TMPDIR": str(Inside.TEMPORARY)}


def _first_on_path(folder: Path, path: str) -> str:
    others = [part for part in path.split(os.pathsep) if part and part != str(folder)]
    return os.pathsep.join([str(folder), *others])
