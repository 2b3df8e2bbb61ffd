"""`python -m ops.up STACK`: recover, preview under the pack, update, explain what failed, ask the models."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from ops import absence, door, live, pulumi, scalers, settled
from ops.ask import OPENAI, ask, ready
from ops.console import Failure, fail, step
from ops.explain import explain
from ops.reach import reach
from ops.watch import watching


def prepare(stack: str) -> pulumi.State:
    """The stack as it was before, and the preview of what it shall be."""
    with step(f"Selecting stack {stack}", "2 s"):
        pulumi.select(stack)
        reach(stack, pulumi.context(stack))
        before = pulumi.recover(stack)
    with step("Previewing under the policy pack", "5 s"):
        pulumi.preview(stack)
    return before


def deploy(stack: str, before: pulumi.State) -> pulumi.State:
    takes = "20 s, and as long as the weights take to stage the first time"
    with step("Updating the cluster", takes), watching(before.namespaces):
        return update(stack)


def deploy_and_ask(stack: str, before: pulumi.State) -> None:
    """What serves already is asked all the while, so that nobody need guess how long it was away."""
    with absence.watching(awake(before.outputs), before.outputs.get("endpointKinds", {})) as seen:
        now = deploy(stack, before)
        ask_all(now.outputs)
    scalers.tell(stack, now.namespaces)
    absence.tell(seen, now.outputs["coldStartSeconds"])
    live.glance(stack)


def awake(outputs: Mapping[str, Any]) -> dict[str, str]:
    """The URLs of the models that always run: one that may be at zero would be woken by who watches it."""
    endpoints = outputs.get("endpoints", {})
    return {name: url for name, url in endpoints.items() if name not in outputs.get("firstRequestSeconds", {})}


def update(stack: str) -> pulumi.State:
    """Done once the pods of this update answer, and not when KServe still says Ready of those before."""
    try:
        pulumi.update(stack)
        now = pulumi.state(stack)
        settled.wait(now.resources)
        return now
    except Failure as failure:
        found = explain(pulumi.state(stack).namespaces)
        raise Failure(f"{failure}\n\nwhat the cluster says:\n{found}" if found else str(failure)) from None


def ask_all(outputs: Mapping[str, Any]) -> None:
    budgets: dict[str, float] = outputs["coldStartBudgetSeconds"]
    kinds: dict[str, str] = outputs["endpointKinds"]
    for name, url in outputs["endpoints"].items():
        if kinds[name] == OPENAI:
            ask(name, outputs["servedNames"][name], url, budgets[name])
        else:
            ready(name, url, kinds[name], budgets[name])
    if "frontDoor" in outputs:
        door.show(outputs["frontDoor"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.up", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("--preview", action="store_true", help="preview only; changes nothing")
    parser.add_argument("--no-ask", action="store_true", help="deploy only, as where no model answers (kwok nodes)")
    options = parser.parse_args()
    for program in ("pulumi", "kubectl"):
        if shutil.which(program) is None:
            return fail(f'{program} is not on PATH: run `make up`, or `eval "$(make -s env)"` first')
    try:
        before = prepare(options.stack)
        if options.preview:
            return 0
        if options.no_ask:
            deploy(options.stack, before)
        else:
            deploy_and_ask(options.stack, before)
    except Failure as failure:
        return fail(str(failure))
    return 0


if __name__ == "__main__":
    sys.exit(main())
