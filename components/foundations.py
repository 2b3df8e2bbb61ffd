"""A server on its foundation, and whether an update may move it to another, which substrate.plan.switch judges.

Wires components only; drives Pulumi's CLI to see what there was before.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pulumi

from components.autoscaler import Autoscaler
from components.bento_deployment import BentoDeployment
from components.kserve_service import KServeService
from components.triton_server import TritonServer
from components.vllm_service import VllmService
from substrate.plan import ServerPlan, StackPlan, switch
from substrate.plan.outputs import FOUNDATIONS

# The engine may be writing the state at this very moment, and a file backend shows half of it.
_ATTEMPTS, _PAUSE_SECONDS = 5, 0.5
WORKLOADS = {
    "plain": VllmService,
    "kserve": KServeService,
    "triton": TritonServer,
    "bentoml": BentoDeployment,
}


def serve(server: ServerPlan, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """The server's workload on its foundation, then what scales it, which would find nothing to scale before."""
    name = f"{server.name}-{server.foundation}"
    workload = WORKLOADS[server.foundation](name, server, opts)
    if server.scaled:
        after = pulumi.ResourceOptions(depends_on=[workload])
        Autoscaler(name, server, pulumi.ResourceOptions.merge(opts, after))
    return workload


def permit(plan: StackPlan, project: Path) -> None:
    """Raise RunError, which ends the program with its text alone, where a move of a model would wait for ever.

    The last update's foundations are the stack's own output of that name. They are asked for by the CLI: a
    StackReference to the stack itself fails whenever it reads what the engine is writing.
    """
    if all(map(switch.may_switch, plan.servers)):
        return  # whatever they were before; asking costs a second
    refused = switch.refusals(plan, last(project))
    if refused:
        raise pulumi.RunError("\n".join(refused))


def last(project: Path) -> Mapping[str, str]:
    """The foundation of each model as the last update left it; empty for a new stack. Raises RunError."""
    pulumi_cli = shutil.which("pulumi")
    if pulumi_cli is None:  # a program run by the Automation API's own engine
        pulumi.log.warn("pulumi is not on PATH: whether a pool has room for a model's move was not checked")
        return {}
    command = [pulumi_cli, "stack", "output", "--json", "--stack", pulumi.get_stack(), "--non-interactive"]
    for _ in range(_ATTEMPTS):
        done = subprocess.run(command, cwd=project, capture_output=True, text=True)
        if done.returncode == 0:
            found: Mapping[str, str] = json.loads(done.stdout or "{}").get(FOUNDATIONS, {})
            return found
        time.sleep(_PAUSE_SECONDS)
    raise pulumi.RunError(f"the stack's last outputs can not be read: {done.stderr.strip()}")
