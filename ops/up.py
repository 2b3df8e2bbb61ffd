"""`python -m ops.up STACK`: recover, preview under the pack, update, explain what failed, ask the models."""

from __future__ import annotations

import argparse
import shutil
import sys

from ops import pulumi
from ops.ask import ask
from ops.console import Failure, fail, say, step
from ops.explain import explain
from ops.watch import watching


def prepare(stack: str) -> None:
    with step(f"Selecting stack {stack}", "2 s"):
        pulumi.select(stack)
        pulumi.recover(stack)
    with step("Previewing under the policy pack", "5 s"):
        pulumi.preview(stack)


def deploy(stack: str) -> None:
    takes = "20 s, and as long as the weights take to stage the first time"
    with step("Updating the cluster", takes), watching(pulumi.namespaces(stack)):
        update(stack)


def update(stack: str) -> None:
    try:
        pulumi.update(stack)
    except Failure as failure:
        found = explain(pulumi.namespaces(stack))
        raise Failure(f"{failure}\n\nwhat the cluster says:\n{found}" if found else str(failure)) from None


def ask_all(stack: str) -> None:
    endpoints: dict[str, str] = pulumi.output(stack, "endpoints")
    budgets: dict[str, float] = pulumi.output(stack, "coldStartBudgetSeconds")
    for name, url in endpoints.items():
        ask(name, url)
        say(f"  cold start budget {budgets[name]:.0f} s")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.up", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("--preview", action="store_true", help="preview only; changes nothing")
    parser.add_argument("--no-ask", action="store_true", help="deploy only, as where no model answers (kwok nodes)")
    options = parser.parse_args()
    if shutil.which("pulumi") is None:
        return fail('pulumi is not on PATH: run `make up`, or `eval "$(make -s env)"` first')
    try:
        prepare(options.stack)
        if not options.preview:
            deploy(options.stack)
        if not (options.preview or options.no_ask):
            ask_all(options.stack)
    except Failure as failure:
        return fail(str(failure))
    return 0


if __name__ == "__main__":
    sys.exit(main())
