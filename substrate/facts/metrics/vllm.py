"""Metrics of vLLM. Imports the types.

Read of the package vllm 0.32.0: every Counter, Gauge and Histogram in it whose name begins with `vllm:`, as its
prometheus_client writes it (`_total` on counters). Seen running at 0.32.0 too (runtimes.md 1.1), whose notes on 0.33.0
name no other change. What is not exported unless a flag or a plug-in asks for it is listed too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from substrate.facts.engines import VLLM, MetricKind
from substrate.facts.metrics import vllm_router
from substrate.facts.metrics.types import Exported, Gone, Registry, each

COUNTER, GAUGE, HISTOGRAM = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_PREFIX = "vllm:"
_each = partial(each, prefix=_PREFIX)


def _one(name: str, kind: MetricKind, unit: str, meaning: str, *labels: str) -> Exported:
    return Exported(f"{_PREFIX}{name}", kind, unit, labels, meaning)


def _gone(kind: MetricKind, instead: str, names: str, until: str | None = None) -> Iterator[Gone]:
    return (Gone(f"{_PREFIX}{name}", kind, instead and f"{_PREFIX}{instead}", until) for name in names.split())


_LOAD = (
    _one("num_requests_running", GAUGE, "requests", "requests in the batch that is being computed"),
    _one("num_requests_waiting", GAUGE, "requests", "requests that are queued"),
    _one("num_requests_waiting_by_reason", GAUGE, "requests", "the queue: capacity is load, deferred is not", "reason"),
    _one("kv_cache_usage_perc", GAUGE, "ratio", "share of the KV cache in use, 0 to 1"),
    _one("num_preemptions_total", COUNTER, "requests", "requests put back for want of KV cache"),
    _one("admission_rejections_total", COUNTER, "requests", "requests refused at the queue's limits", "reason"),
    _one("engine_sleep_state", GAUGE, "info", "1 for the state that the engine is in", "sleep_state"),
    _one("generation_tokens_total", COUNTER, "tokens", "tokens of answers"),
    _one("prompt_tokens_total", COUNTER, "tokens", "tokens of prompts"),
    _one("prefix_cache_queries_total", COUNTER, "tokens", "tokens that the prefix cache was asked for"),
    _one("prefix_cache_hits_total", COUNTER, "tokens", "tokens that the prefix cache had"),
    _one("request_success_total", COUNTER, "requests", "requests that ended, by how", "finished_reason"),
    _one("iteration_tokens_total", HISTOGRAM, "tokens", "tokens of a step; a histogram in spite of its name"),
)

_LATENCY = (
    _one("time_to_first_token_seconds", HISTOGRAM, "seconds", "from a request to its first token"),
    _one("inter_token_latency_seconds", HISTOGRAM, "seconds", "from one token to the next"),
    _one(
        "request_time_per_output_token_seconds", HISTOGRAM, "seconds", "the mean of a request's tokens after the first"
    ),
    _one("e2e_request_latency_seconds", HISTOGRAM, "seconds", "from a request to its last token"),
    _one("request_queue_time_seconds", HISTOGRAM, "seconds", "in the queue"),
    _one("request_inference_time_seconds", HISTOGRAM, "seconds", "in the batch: prefill and decode"),
    _one("request_prefill_time_seconds", HISTOGRAM, "seconds", "from the queue to the first token"),
    _one("request_decode_time_seconds", HISTOGRAM, "seconds", "from the first token to the last"),
)

_OTHERS = (
    *_each(GAUGE, "info", "cache_config_info lora_requests_info simple_kv_offload_info"),
    *_each(
        GAUGE,
        "ratio",
        "hisparse_host_cache_usage_perc kv_offload_cpu_cache_read_usage_perc kv_offload_cpu_cache_usage_perc "
        "kv_offload_cpu_cache_write_usage_perc kv_offload_tiering_primary_read_usage_perc "
        "kv_offload_tiering_primary_write_usage_perc",
    ),
    *_each(
        GAUGE,
        "count",
        "hisparse_pending_page_transfers kv_offload_tiering_active_cascade_jobs "
        "kv_offload_tiering_active_promotion_jobs rl_weight_update_operations_in_flight "
        "sleep_mode_operations_in_flight websocket_connections_active",
    ),
    *_each(GAUGE, "seconds", "kv_offload_tiering_backpressure_store_latency_ema"),
    *_each(GAUGE, "requests", "num_requests_kv_fetch_by_stage", "stage"),
    *_each(GAUGE, "blocks", "simple_kv_offload_pending_store_blocks simple_kv_offload_used_blocks"),
    *_each(COUNTER, "requests", "corrupted_requests_total nixl_num_kv_expired_reqs_total"),
    *_each(
        COUNTER,
        "count",
        "diffusion_num_canvas_positions_total diffusion_num_denoising_steps_total hf3fs_num_failed_load_total "
        "hf3fs_num_failed_save_total hisparse_cache_hits_total hisparse_cache_misses_total "
        "kv_offload_allocation_failure_total kv_offload_stores_skipped_total "
        "kv_offload_tiering_backpressure_stores_dropped_total kv_offload_tiering_cascade_job_failures_total "
        "kv_offload_tiering_chunk_hits_total kv_offload_tiering_chunk_queries_total "
        "kv_offload_tiering_promotion_allocation_failures_total "
        "kv_offload_tiering_promotion_job_failures_total mm_cache_hits_total mm_cache_queries_total "
        "mooncake_store_operation_failed_keys_total mooncake_store_operation_keys_total "
        "mooncake_store_operation_total nixl_num_failed_notifications_total nixl_num_failed_transfers_total "
        "nixl_num_notifications_after_expiry_total spec_decode_num_drafts_total "
        "tool_call_parser_invocations_total websocket_connections_total",
    ),
    *_each(
        COUNTER,
        "tokens",
        "diffusion_num_committed_tokens_total prompt_tokens_cached_total "
        "spec_decode_num_accepted_tokens_per_pos_total spec_decode_num_accepted_tokens_total "
        "spec_decode_num_draft_tokens_total",
    ),
    *_each(COUNTER, "operations", "estimated_flops_per_gpu_total"),
    *_each(
        COUNTER,
        "bytes",
        "estimated_read_bytes_per_gpu_total estimated_write_bytes_per_gpu_total "
        "hisparse_host_to_device_bytes_total kv_offload_load_bytes_total kv_offload_store_bytes_total "
        "kv_offload_tiering_read_bytes_total kv_offload_tiering_write_bytes_total "
        "kv_offload_total_bytes_total mooncake_store_operation_bytes_total",
    ),
    *_each(
        COUNTER,
        "blocks",
        "kv_offload_tiering_backpressure_blocks_dropped_total simple_kv_offload_load_blocks_total",
    ),
    *_each(COUNTER, "tokens", "prompt_tokens_by_source_total prompt_tokens_cached_by_source_total", "source"),
    *_each(COUNTER, "count", "simple_kv_offload_save_outcomes_total", "outcome"),
    *_each(COUNTER, "requests", "watermark_requests_total", "status"),
    *_each(
        HISTOGRAM,
        "seconds",
        "hf3fs_load_duration_seconds hf3fs_save_duration_seconds "
        "hisparse_host_block_idle_before_evict_seconds hisparse_host_block_lifetime_seconds "
        "hisparse_host_block_reuse_gap_seconds kv_block_idle_before_evict_seconds kv_block_lifetime_seconds "
        "kv_block_reuse_gap_seconds kv_offload_lookup_async_delay_seconds "
        "kv_offload_lookup_sync_delay_seconds kv_offload_tiering_lookup_async_delay_seconds "
        "kv_offload_tiering_lookup_sync_delay_seconds mooncake_store_operation_time_seconds "
        "nixl_post_time_seconds nixl_xfer_time_seconds rl_weight_update_operation_duration_seconds "
        "sleep_mode_operation_duration_seconds websocket_connection_duration_seconds",
    ),
    *_each(
        HISTOGRAM,
        "tokens",
        "request_generation_tokens request_max_num_generation_tokens request_params_max_tokens "
        "request_prefill_kv_computed_tokens request_prompt_tokens",
    ),
    *_each(
        HISTOGRAM,
        "count",
        "kv_offload_cpu_allocation_size nixl_num_descriptors request_num_preemptions request_params_n",
    ),
    *_each(HISTOGRAM, "bytes", "kv_offload_load_size kv_offload_size kv_offload_store_size nixl_bytes_transferred"),
    *_each(COUNTER, "tokens", "external_prefix_cache_hits_total external_prefix_cache_queries_total"),
    *_each(
        COUNTER,
        "seconds",
        "kv_offload_load_time_total kv_offload_store_time_total kv_offload_tiering_read_time_total "
        "kv_offload_tiering_write_time_total kv_offload_total_time_total",
    ),
)

# vllm-project/vllm#29330 took away the first of these; the rest ended with the V0 engine. Those that the router still
# exports (gpu_prefix_cache_*, num_requests_swapped) are not among them.
_GONE = (
    *_gone(GAUGE, "kv_cache_usage_perc", "gpu_cache_usage_perc", until="0.11"),
    *_gone(HISTOGRAM, "inter_token_latency_seconds", "time_per_output_token_seconds"),
    *_gone(GAUGE, "kv_offload_cpu_cache_usage_perc", "cpu_cache_usage_perc"),
    *_gone(GAUGE, "prefix_cache_hits_total", "cpu_prefix_cache_hit_rate"),
    *_gone(GAUGE, "prompt_tokens_total", "avg_prompt_throughput_toks_per_s"),
    *_gone(GAUGE, "generation_tokens_total", "avg_generation_throughput_toks_per_s"),
    *_gone(HISTOGRAM, "request_queue_time_seconds", "time_in_queue_requests"),
    *_gone(
        HISTOGRAM, "request_inference_time_seconds", "model_forward_time_milliseconds model_execute_time_milliseconds"
    ),
    *_gone(HISTOGRAM, "request_params_n", "request_params_best_of"),
    *_gone(COUNTER, "iteration_tokens_total", "tokens_total"),
    *_gone(
        GAUGE,
        "spec_decode_num_accepted_tokens_total",
        "spec_decode_draft_acceptance_rate spec_decode_efficiency",
    ),
    *_gone(COUNTER, "spec_decode_num_accepted_tokens_total", "spec_decode_num_emitted_tokens_total"),
)

REGISTRY = Registry(
    engine=VLLM,
    prefix=_PREFIX,
    since="0.32.0",
    read="0.32.0",
    source="the package vllm 0.32.0; runtimes.md 1.1",
    metrics=(*_LOAD, *_LATENCY, *_OTHERS),
    gone=_GONE,
    labels=("model_name", "engine"),
    # The KVCR tier's names come from a package of its own.
    open=("vllm:kvcr_",),
    beside=vllm_router.METRICS,
)
