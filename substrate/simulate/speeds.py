"""A planned model -> how fast a replica computes, each figure with its reason. Imports plan types, fit and facts.

Decoding reads the weights once an iteration and the keys and values of all tokens held, so memory bandwidth bounds it;
prompts are bound by arithmetic. What a device reaches of its data sheet is set by three published runs of vLLM:

- Llama 3.1 8B in bf16 on an H100, vLLM 0.21.0 (yobitelcomm.github.io/bench, concurrency sweep of 2026-05): 6.5 ms a
  token with one request; computed 6.6.
- The same on an A100 of 40 GB, vLLM 0.23.0 (johnmusgrave.com, throughput-latency sweep): 13.3 ms; computed 13.5.
- Qwen 2.5 0.5B in bf16 on an L4, vLLM 0.23.0 (ai.wmx.dev/benchmarks): 5.1 ms with one request and 7.1 with 32;
  computed 4.7 and 6.7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from substrate.facts.accelerators import ACCELERATORS, CPU
from substrate.facts.engines import ENGINES, LLAMA_CPP, OLLAMA
from substrate.fit import Fit, Load, fit, kv_capacity
from substrate.plan.types import ModelPlan, ServerPlan
from substrate.simulate.engine import PREFILL_BUDGET, Speed
from substrate.values import Bytes, Duration

# Multiply-adds a second in 16 bit, dense, as vendors' data sheets say (read 2026-11; general knowledge but for those
# that reference/runtimes.md names). A GTX 1080 Ti has no fast 16 bit; llama.cpp multiplies in 8 bit there, and a P40 of
# its generation reads 934 tokens a second of a 7B at Q4_0 (github.com/ggml-org/llama.cpp/pull/4766): 12.6 reached.
_TERAFLOPS = {
    "gtx-1080-ti": 25,
    "t4": 65,
    "rtx-3090": 71,
    "rtx-4090": 165,
    "rtx-5090": 210,
    "a10g": 70,
    "l4": 121,
    "l40s": 362,
    "a100-40gb": 312,
    "a100-80gb": 312,
    "h100-80gb": 989,
    "h200": 989,
    "b200": 2250,
    "mi300x": 1307,
}
# Of one CPU core with AVX2, an estimate: nobody's data sheet.
_CORE_TERAFLOPS, _CORE_BANDWIDTH = 0.08, 10e9
# The shares of them that engines reach, and what an iteration and a sequence cost beside (see above). llama.cpp makes
# 56 tokens a second of that 7B on the P40's 346 GB/s.
_OF_BANDWIDTH, _OF_BANDWIDTH_BY = 0.8, {LLAMA_CPP: 0.65, OLLAMA: 0.65}
_OF_FLOPS = 0.5
_LAUNCH, _SAMPLING = 0.0005, 0.00005
# vLLM's --max-num-batched-tokens below 70 GiB of memory; llama.cpp's --batch-size is the same.
_SMALL_BUDGET, _LARGE_MEMORY = 2048, Bytes(70 * 1024**3)


@dataclass(frozen=True, slots=True)
class Reason:
    """One figure for people: what, how much, and where it is from."""

    what: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Estimate:
    speed: Speed
    reasons: tuple[Reason, ...]

    def with_written(self, **written: object) -> Estimate:
        """With fields of the speed that somebody wrote, None for those left as they are."""
        given = {name: value for name, value in written.items() if value is not None}
        names = {name.replace("_", " ") for name in given}
        kept = tuple(reason for reason in self.reasons if reason.what not in names)
        said = tuple(Reason(name.replace("_", " "), _shown(value), "as written") for name, value in given.items())
        return Estimate(replace(self.speed, **given), (*said, *kept))  # type: ignore[arg-type]


def _shown(value: object) -> str:
    return time(value) if isinstance(value, Duration) else f"{value:,.0f}"


def estimate(server: ServerPlan, model: ModelPlan, load: Load, parameters: float | None) -> Estimate:
    """How fast one replica is. `parameters` are the model's, where its architecture is written.

    Raises ValueError for a model whose size nobody knows.
    """
    weights = load.weights or Bytes(round(2 * (parameters or 0)))
    if not weights:
        raise ValueError(f"model `{model.name}` has neither weights nor an architecture in the stack file")
    # Without an architecture: as many as 16 bit would take.
    count = parameters or weights / 2
    bandwidth, flops, device = _device(server)
    step = Duration(weights / bandwidth + _LAUNCH)
    sequence = Duration(2 * count / flops + _SAMPLING)
    fitted = fit(load)
    token = Duration((fitted.kv_per_token or 0) / bandwidth)
    held, held_why = _kv_tokens(load, fitted)
    speed = Speed(step, sequence, token, flops / (2 * count), model.parallel, held, _budget(server))
    return Estimate(speed, _reasons(speed, weights, fitted, device, held_why))


def _device(server: ServerPlan) -> tuple[float, float, str]:
    """Bytes and operations a second that an engine reaches on a replica's devices together, and their name."""
    name, gpus = server.pool.accelerator, server.resources.gpus
    share = _OF_BANDWIDTH_BY.get(server.engine.name, _OF_BANDWIDTH)
    if name == CPU:
        cores = float(server.resources.cpus)
        reached = cores * _CORE_BANDWIDTH * share, cores * _CORE_TERAFLOPS * 1e12 * _OF_FLOPS
        return (*reached, f"{cores:g} CPU cores, an estimate")
    bandwidth = ACCELERATORS[name].bandwidth * gpus * share
    return bandwidth, _TERAFLOPS[name] * 1e12 * gpus * _OF_FLOPS, f"{gpus} x {name}"


def _kv_tokens(load: Load, fitted: Fit) -> tuple[int, str]:
    if fitted.kv_per_token is None:
        return load.context * load.parallel, "context x parallel: no architecture is written"
    if load.engine.reserves_slots:
        return load.context * load.parallel, "context x parallel, which the engine reserves"
    return kv_capacity(load), "what the fit leaves beside the weights" if load.gpus else "what the plan reserves"


def _budget(server: ServerPlan) -> int:
    large = ACCELERATORS[server.pool.accelerator].memory >= _LARGE_MEMORY
    return PREFILL_BUDGET if large and not ENGINES[server.engine.name].reserves_slots else _SMALL_BUDGET


def _reasons(speed: Speed, weights: Bytes, fit: Fit, device: str, held: str) -> tuple[Reason, ...]:
    kv = f"{fit.kv_per_token} of keys and values" if fit.kv_per_token else "no architecture is written"
    return (
        Reason("step", time(speed.step), f"{weights} of weights read on {device}"),
        Reason("per sequence", time(speed.per_sequence), "arithmetic of one token, and sampling"),
        Reason("per kv token", time(speed.per_kv_token), kv),
        Reason("prefill", f"{speed.prefill:,.0f} tokens/s", f"arithmetic on {device}"),
        Reason("sequences", f"{speed.sequences}", "`parallel` of the plan"),
        Reason("kv tokens", f"{speed.kv_tokens:,}", held),
    )


def time(seconds: float) -> str:
    """A short time in the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
