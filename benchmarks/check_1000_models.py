"""How much CPU `substrate check` takes for a stack of 1,000 models, interpreter start included.

    python benchmarks/check_1000_models.py [--models 1000] [--runs 5]

Prints the least CPU seconds (user + system) of several runs, beside two yardsticks of the same run on the same machine:
an interpreter that only imports pydantic and pyyaml, and one that also composes the same file and does nothing with it.
The ratio to the latter is what the check itself costs, whatever the machine does. Imports the standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HEAD = """\
config:
  substrate:cluster: {context: fleet, baseUrl: http://127.0.0.1:8080}
  substrate:stores:
    parallel: {storageClass: parallel-fs, size: 400Ti, readMiBps: 3000, accessMode: ReadWriteMany}
  substrate:teams:
    assist: {}
    search: {}
    code: {}
    research: {}
  substrate:defaults:
    replicas: {min: 1, max: 2}
"""
GPU_MODEL = """\
    {name}:
      team: {team}
      tier: {tier}
      pool: {pool}
      context: 8192
      parallel: 16
      replicas: {{min: 1, max: 2}}
      weights:
        from: s3://models/{name}/
        endpoint: https://s3.store.example
        secretRef: model-store
        files:
          config.json: {{sha256: {a}, size: 2Ki}}
          tokenizer.json: {{sha256: {b}, size: 9Mi}}
          model-00001-of-00002.safetensors: {{sha256: {c}, size: 7.5Gi}}
          model-00002-of-00002.safetensors: {{sha256: {d}, size: 7.5Gi}}
      architecture: {{parameters: 8.0B, layers: 32, kvHeads: 8, headDim: 128}}
"""
GGUF_MODEL = """\
    {name}:
      servedName: {name}-instruct
      team: {team}
      tier: {tier}
      pool: {pool}
      engine: llama.cpp
      context: 4096
      parallel: 2
      weights:
        from: s3://models/{name}/
        files:
          model.gguf: {{sha256: {a}, size: 4.36Gi}}
      architecture: {{parameters: 7.6B, layers: 28, kvHeads: 4, headDim: 128, quantization: q4_k_m}}
"""
IMPORTS = "import yaml, pydantic"
COMPOSE = f"{IMPORTS}\nimport sys\nyaml.compose(open(sys.argv[1]).read(), yaml.CSafeLoader)"


def stack(models: int) -> str:
    """A valid stack: every third model a GGUF, every fiftieth on a pool of its own GPUs' worth."""
    pools = max(1, -(-models // 50))
    text = HEAD + "  substrate:pools:\n"
    for pool in range(pools):
        nodes = ", ".join(f"node-{pool:03}-{node:02}" for node in range(13))
        text += f"    pool-{pool:03}: {{accelerator: l40s, nodes: [{nodes}], gpusPerNode: 8}}\n"
    text += "  substrate:models:\n"
    return text + "".join(_model(number, pools) for number in range(models))


def _model(number: int, pools: int) -> str:
    name = f"model-{number:04}"
    digests = {key: hashlib.sha256(f"{name}{key}".encode()).hexdigest() for key in "abcd"}
    # A digest of digits only must be quoted; none of these is.
    return (GGUF_MODEL if number % 3 == 0 else GPU_MODEL).format(
        name=name,
        team=("assist", "search", "code", "research")[number % 4],
        tier=("hot", "standard", "longTail")[number % 3],
        pool=f"pool-{number % pools:03}",
        **digests,
    )


def cpu_seconds(arguments: list[str]) -> float:
    """User and system seconds of one finished process. Raises SystemExit when it fails."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    said = process.stdout.read() + process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} ended with {process.returncode}:\n{said.decode()}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Pulumi.thousand.yaml"
        file.write_text(stack(options.models))
        commands = {
            "import pydantic and pyyaml": [sys.executable, "-c", IMPORTS],
            "... and compose the file": [sys.executable, "-c", COMPOSE, str(file)],
            "substrate check": [sys.executable, "-m", "substrate.cli", "check", str(file)],
        }
        size = file.stat().st_size // 1024
        print(f"{options.models:,} models, {size} KiB; CPU seconds, least of {options.runs} runs")
        least = dict.fromkeys(commands, float("inf"))
        for _ in range(options.runs):
            for name, command in commands.items():
                least[name] = min(least[name], cpu_seconds(command))
    for name, seconds in least.items():
        print(f"  {name:<28} {seconds:.3f}")
    bare = least["... and compose the file"]
    print(f"  ratio of the check to import and compose: {least['substrate check'] / bare:.2f}")


if __name__ == "__main__":
    main()
