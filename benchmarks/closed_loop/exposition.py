"""What a stand-in for vLLM answers at /metrics, as text. Pure; imports the simulated engine only.

The names are vLLM's. The two of the pod's CPU and memory are cAdvisor's, as metrics-server's stand-in reads them.
"""

from __future__ import annotations

from substrate.simulate.engine import Replica

LABELS = '{model_name="stand-in",engine="0"}'
# What a pod's CPU does while its GPU computes: the engine's loop spins on one core, and each token of an answer is
# detokenised and sent (the simulator's, substrate/simulate/metrics.py).
SPIN = 1.0
FRONTEND = 60e-6
# Of cores as they are written here: four of them, eight times over, would not fit on this machine's node. The
# autoscaler divides what is used by what is requested, so both are divided alike.
CPU_SCALE = 25
_MEMORY = 64 * 1024**2


def text(replica: Replica, now: float, factor: float, answered: int) -> str:
    """The metrics at `now`, in seconds of the replica, which must have been advanced to it.

    A counter's rate is per second of the machine's clock; that of CPU seconds is divided by `factor`, so that it is
    the cores that are used.
    """
    cpu = (SPIN * replica.busy_until(now) + FRONTEND * replica.generated) / factor / CPU_SCALE
    return "".join(
        f"# TYPE {name} {kind}\n{name}{labels} {value}\n"
        for name, kind, labels, value in (
            ("vllm:num_requests_running", "gauge", LABELS, replica.running),
            ("vllm:num_requests_waiting", "gauge", LABELS, replica.waiting),
            ("vllm:kv_cache_usage_perc", "gauge", LABELS, replica.kv_share),
            ("vllm:generation_tokens_total", "counter", LABELS, replica.generated),
            ("vllm:num_preemptions_total", "counter", LABELS, replica.preempted),
            ("vllm:request_success_total", "counter", f'{LABELS[:-1]},finished_reason="length"}}', answered),
            ("container_cpu_usage_seconds_total", "counter", "", f"{cpu:.6f}"),
            ("container_memory_working_set_bytes", "gauge", "", _MEMORY),
        )
    )
