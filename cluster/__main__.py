"""The embedded Kubernetes from the shell: python -m cluster up|down|... Imports cluster.embedded and cluster.tools."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cluster import tools
from cluster.embedded import extras, seed, shell, status, stop, up
from cluster.embedded.errors import ClusterError
from cluster.embedded.extras import EXTRAS
from cluster.embedded.layout import Root
from cluster.embedded.ports import HOST


def _up(options: argparse.Namespace) -> int:
    began = time.monotonic()
    root = Root.at(options.root)
    plan = up.up(
        root,
        up.Wishes(
            options.api_port,
            options.gateway_port,
            options.s3_port,
            extras.chosen(options.extras),
            tuple(options.controllers),
        ),
    )
    print(
        f"the cluster serves after {time.monotonic() - began:.1f} s: kubeconfig {root.kubeconfig}, "
        f"Gateway http://{HOST}:{plan.ports.gateway}, S3 http://{HOST}:{plan.ports.s3}, logs {root.logs}"
    )
    return 0


def _down(options: argparse.Namespace) -> int:
    began = time.monotonic()
    root = Root.at(options.root)
    found = stop.down(root, options.keep_data)
    kept = f"; its data stay in {root.state}" if options.keep_data else ""
    print(
        f"the cluster is gone after {time.monotonic() - began:.1f} s{kept}" if found else "there is no cluster to end"
    )
    return 0


def _status(options: argparse.Namespace) -> int:
    return 0 if status.show(Root.at(options.root)) else 1


def _logs(options: argparse.Namespace) -> int:
    status.logs(Root.at(options.root), options.component, options.follow)
    return 0


def _env(options: argparse.Namespace) -> int:
    print(shell.exports(shell.environment(Root.at(options.root), options.cluster == "existing")), end="")
    return 0


def _exec(options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    shell.run_inside(Root.at(options.root), command or ["sh"])
    return 0


def _seed(options: argparse.Namespace) -> int:
    for key, tool in seed.LOCAL_STACK.items():
        _report_upload(key, seed.upload(Root.at(options.root), tools.ensure([tool])[tool], key))
    return 0


def _put_model(options: argparse.Namespace) -> int:
    _report_upload(options.key, seed.upload(Root.at(options.root), options.file, options.key))
    return 0


def _report_upload(key: str, stored: bool) -> None:
    print(f"s3://models/{key} {'stored' if stored else 'was there already'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cluster", description="The embedded Kubernetes of this clone.")
    parser.add_argument("--root", type=Path, help="folder of the cluster (default: .substrate in the clone)")
    verbs = parser.add_subparsers(required=True, metavar="up|down|status|logs|env|exec|seed|put-model")
    verb = verbs.add_parser("up", help="start it, or heal it")
    for name, default in (("api", "a free one"), ("gateway", "8080"), ("s3", "a free one")):
        verb.add_argument(f"--{name}-port", type=_port, help=f"port on {HOST} (default: {default}, then kept)")
    verb.add_argument(
        "--with",
        dest="extras",
        action="append",
        default=[],
        metavar="EXTRA",
        help=f"add, and keep until `down`: {', '.join(EXTRAS) or 'there is none yet'}",
    )
    verb.add_argument(
        "--controllers",
        action="append",
        default=[],
        metavar="FLAG=VALUE",
        help="a flag of kube-controller-manager, kept until `down`: horizontal-pod-autoscaler-sync-period=1s",
    )
    verb.set_defaults(run=_up)
    verb = verbs.add_parser("down", help="end it and remove all that it made")
    verb.add_argument("--keep-data", action="store_true", help="keep etcd, images and volumes for the next up")
    verb.set_defaults(run=_down)
    verbs.add_parser("status", help="a table of its components").set_defaults(run=_status)
    verb = verbs.add_parser("logs", help="name the logs, or show one")
    verb.add_argument("component", nargs="?")
    verb.add_argument("-f", "--follow", action="store_true")
    verb.set_defaults(run=_logs)
    verb = verbs.add_parser("env", help='shell exports: eval "$(python -m cluster env)"')
    verb.add_argument(
        "--for", dest="cluster", choices=("embedded", "existing"), default="embedded", help="existing: $KUBECONFIG's"
    )
    verb.set_defaults(run=_env)
    verb = verbs.add_parser("exec", help="run a command inside its namespaces")
    verb.add_argument("command", nargs=argparse.REMAINDER)
    verb.set_defaults(run=_exec)
    verbs.add_parser("seed", help="upload the weights of the local stack unless they are there").set_defaults(run=_seed)
    verb = verbs.add_parser("put-model", help="upload a file to s3://models/KEY unless it is there")
    verb.add_argument("file", type=Path)
    verb.add_argument("key")
    verb.set_defaults(run=_put_model)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: write a number from 1 to 65535")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; the exit code. A user's mistake is told in words, without a traceback."""
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()  # here, where a reader that has gone is still told apart
        return code
    except BrokenPipeError:  # `... | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ClusterError, tools.ToolError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; `python -m cluster up` goes on from here", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
