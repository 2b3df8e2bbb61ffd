"""How much CPU the policy pack takes on a preview: its own process, start included, and a rule and resource.

    python -m benchmarks.policy_pack [--models 15,100,1000] [--runs 3]

The pack runs as the engine runs it, `python -m pulumi.policy`, and is asked over gRPC what a preview asks: its
policies, every resource (remediate, analyze), then the whole stack. The resources are those of the fleet, fifteen
models; more models are copies of it in namespaces of their own, since no stack file of a thousand fits the variable in
which Pulumi hands it over (128 KiB). Beside it, on the same machine, the least that any pack costs: one that imports
the SDK and whose only policy is off, asked the same. Imports the tests' manifests of the fleet.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as pb
from pulumi.runtime.proto import analyzer_pb2_grpc

from policies.judge import checks
from policies.resources.objects import objects_of
from policies.resources.pools import POOL
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rules import RULES
from policies.settings import Settings
from tests.policies.judging import name, token, urn
from tests.policies.test_policy_own_stacks import manifests
from tests.stacks import plan_of

ROOT = Path(__file__).resolve().parent.parent
PACK = ROOT / "policies"
FLEET_MODELS = 15
NO_POLICY = """\
from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy
off = StackValidationPolicy("off", "none", lambda args, report: None, EnforcementLevel.DISABLED)
PolicyPack("none", policies=[off])
"""
LARGEST_MESSAGE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]

Manifest = dict[str, Any]


def resources(models: int) -> list[Manifest]:
    """The fleet, as often as it takes for this many models, each copy in namespaces and on pools of its own."""
    fleet = manifests(plan_of("fleet"))
    copies = -(-models // FLEET_MODELS)
    return [moved(manifest, number) for number in range(copies) for manifest in fleet]


def moved(manifest: Manifest, number: int) -> Manifest:
    metadata = manifest["metadata"]
    place = "namespace" if "namespace" in metadata else "name"
    return on_pool({**manifest, "metadata": {**metadata, place: f"{metadata[place]}-{number}"}}, number)


def on_pool(value: Any, number: int) -> Any:
    """On pools of the copy's own: a fleet fills those that it has."""
    if isinstance(value, dict):
        return {key: f"{one}-{number}" if key == POOL else on_pool(one, number) for key, one in value.items()}
    return [on_pool(one, number) for one in value] if isinstance(value, list) else value


def struct(manifest: Manifest) -> struct_pb2.Struct:
    return json_format.ParseDict(manifest, struct_pb2.Struct())


def preview(pack: Path, given: list[Manifest]) -> float:
    """CPU seconds of the pack's process for one preview. Raises SystemExit where it finds fault with the fleet."""
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(pack)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=pack)
    assert process.stdout
    port = process.stdout.readline().strip()
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=LARGEST_MESSAGE) as channel:
        ask(analyzer_pb2_grpc.AnalyzerStub(channel), given)
    process.terminate()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return usage.ru_utime + usage.ru_stime


def ask(analyzer: Any, given: list[Manifest]) -> None:
    analyzer.GetAnalyzerInfo(empty_pb2.Empty())
    analyzer.GetPluginInfo(empty_pb2.Empty())
    for manifest in given:
        asked = {"type": token(manifest), "properties": struct(manifest), "urn": urn(manifest), "name": name(manifest)}
        analyzer.Remediate(pb.AnalyzeRequest(**asked))
        told(analyzer.Analyze(pb.AnalyzeRequest(**asked)))
    stack = [
        pb.AnalyzerResource(type=token(one), properties=struct(one), urn=urn(one), name=name(one)) for one in given
    ]
    told(analyzer.AnalyzeStack(pb.AnalyzeStackRequest(resources=stack)))


def told(response: Any) -> None:
    if response.diagnostics:
        raise SystemExit(f"the fleet is to pass, and the pack says:\n{response.diagnostics[0].message}")


def microseconds(given: list[Manifest]) -> float:
    """CPU of all rules over all resources, a rule and resource, the resources read once for all rules."""
    objects = [obj for one in given for obj in objects_of(token(one), one)]
    began = time.process_time()
    subjects = [Subject(obj, Settings()) for obj in objects]
    for check in checks(RULES, Stack(subjects)):
        for _ in check.outcomes():
            pass
    return (time.process_time() - began) / len(objects) / len(RULES) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", default="15,100,1000", help="how many, several with commas")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print(f"{len(RULES)} rules; CPU seconds of the pack's process for one preview, least of {options.runs} runs")
    print("  models  resources  no policy  the pack  ratio  of it a model  a rule and resource")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "__main__.py").write_text(NO_POLICY, encoding="utf-8")
        for models in map(int, options.models.split(",")):
            given = resources(models)
            bare = min(preview(Path(folder), given) for _ in range(options.runs))
            ours = min(preview(PACK, given) for _ in range(options.runs))
            each = min(microseconds(given) for _ in range(options.runs))
            print(
                f"  {models:>6,}  {len(given):>9,}  {bare:>8.2f}s  {ours:>7.2f}s  {ours / bare:>5.1f}"
                f"  {(ours - bare) / models * 1e3:>10.1f} ms  {each:>16.0f} us"
            )


if __name__ == "__main__":
    main()
