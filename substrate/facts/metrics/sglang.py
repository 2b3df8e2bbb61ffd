"""Metrics of SGLang. Imports the types.

Read of the package sglang 0.5.23: every metric in its server whose name begins with `sglang:`. Nothing was run.
"""

from __future__ import annotations

from functools import partial

from substrate.facts.engines import MetricKind
from substrate.facts.metrics.types import Exported, Registry, each

COUNTER, GAUGE, HISTOGRAM, SUMMARY = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM, MetricKind.SUMMARY
_each = partial(each, prefix="sglang:")

_LOAD = (
    Exported("sglang:num_running_reqs", GAUGE, "requests", meaning="requests in the batch that is being computed"),
    Exported("sglang:num_queue_reqs", GAUGE, "requests", meaning="requests that are queued"),
    Exported("sglang:token_usage", GAUGE, "ratio", meaning="share of the KV cache in use, 0 to 1"),
    Exported("sglang:gen_throughput", GAUGE, "tokens a second", meaning="tokens of answers a second"),
)

_OTHERS = (
    *_each(
        GAUGE,
        "ratio",
        "cache_hit_rate full_token_usage lora_pool_utilization mamba_usage new_token_ratio "
        "pending_prealloc_token_usage prealloc_full_token_usage prealloc_swa_token_usage spec_accept_rate "
        "swa_token_usage utilization",
    ),
    *_each(
        GAUGE,
        "count",
        "decode_sum_seq_lens diffusion_lora_active_adapters diffusion_lora_active_modules "
        "diffusion_lora_loaded_adapters diffusion_lora_module_active encoder_cache_entries fwd_occupancy "
        "hicache_host_mamba_total_states hicache_host_mamba_used_states is_cuda_graph lora_pool_slots_total "
        "lora_pool_slots_used num_pages num_streaming_sessions num_unique_running_routing_keys "
        "routing_keys_active spec_accept_length spec_block_accept_length spec_cap_length spec_num_steps",
    ),
    *_each(
        GAUGE,
        "requests",
        "diffusion_num_queue_reqs diffusion_num_running_reqs max_running_requests_under_SLO "
        "num_decode_deferred_kv_release_reqs num_decode_host_receive_queue_reqs "
        "num_decode_prealloc_queue_reqs num_decode_transfer_queue_reqs num_grammar_queue_reqs num_paused_reqs "
        "num_prefill_bootstrap_queue_reqs num_prefill_inflight_queue_reqs num_retracted_reqs",
    ),
    *_each(GAUGE, "megabytes", "encoder_cache_size_mb"),
    *_each(GAUGE, "requests", "encoder_dp_pending_requests", "dp_rank"),
    *_each(GAUGE, "gigabytes", "graph_memory_usage_gb", "phase"),
    *_each(
        GAUGE,
        "tokens",
        "hicache_host_total_tokens hicache_host_used_tokens kv_available_tokens kv_evictable_tokens "
        "kv_used_tokens mamba_available_tokens mamba_evictable_tokens mamba_used_tokens max_total_num_tokens "
        "max_total_num_tokens_swa num_used_tokens spec_num_draft_tokens streaming_session_held_tokens "
        "swa_available_tokens swa_evictable_tokens swa_used_tokens",
    ),
    *_each(GAUGE, "requests", "http_requests_active", "endpoint", "method"),
    *_each(GAUGE, "gigabytes", "kv_cache_memory_usage_gb startup_available_gpu_memory_gb weight_memory_usage_gb"),
    *_each(GAUGE, "seconds", "startup_cuda_graph_time_seconds startup_time_seconds", "phase"),
    *_each(GAUGE, "seconds", "startup_latency_breakdown_seconds_max", "context"),
    *_each(GAUGE, "seconds", "weight_load_duration_seconds", "source"),
    *_each(
        COUNTER,
        "tokens",
        "backuped_tokens_total evicted_tokens_total hicache_backup_dropped_tokens_total "
        "hicache_prefetch_aux_alloc_failed_tokens_total num_retracted_input_tokens_total "
        "num_retracted_output_tokens_total prefetched_tokens_total storage_prefetch_hit_tokens_total",
    ),
    *_each(COUNTER, "tokens", "cached_tokens_total", "cache_source"),
    *_each(COUNTER, "count", "cuda_graph_passes_total", "mode"),
    *_each(COUNTER, "count", "decode_deferred_kv_release_total", "outcome"),
    *_each(
        COUNTER,
        "requests",
        "diffusion_requests_total num_aborted_requests_total num_bootstrap_failed_reqs_total "
        "num_decode_host_receive_reqs_total num_retracted_requests_total num_so_requests_total "
        "num_transfer_failed_reqs_total",
    ),
    *_each(COUNTER, "count", "dp_attention_pairs_total", "kind"),
    *_each(COUNTER, "count", "dp_attention_steps_total", "rank_state"),
    *_each(COUNTER, "tokens", "dp_attention_tokens_total", "kind"),
    *_each(COUNTER, "seconds", "dp_cooperation_forward_execution_seconds_total", "category", "num_prefill_ranks"),
    *_each(COUNTER, "tokens", "dp_cooperation_realtime_tokens_total", "mode", "num_prefill_ranks"),
    *_each(
        COUNTER,
        "count",
        "encoder_cache_evictions_total encoder_cache_hit_files_total encoder_cache_total_files_total",
        "modality",
    ),
    *_each(COUNTER, "tokens", "encoder_cache_hit_tokens_total encoder_cache_total_tokens_total", "modality"),
    *_each(COUNTER, "requests", "encoder_requests_received_total", "modality"),
    *_each(COUNTER, "requests", "encoder_requests_total", "modality", "status"),
    *_each(COUNTER, "operations", "estimated_flops_per_gpu_total"),
    *_each(
        COUNTER,
        "bytes",
        "estimated_read_bytes_per_gpu_total estimated_write_bytes_per_gpu_total hicache_backup_bytes_total "
        "load_back_bytes_total",
    ),
    *_each(
        COUNTER,
        "count",
        "failed_session_recoveries_total num_grammar_aborted_total num_grammar_cache_hit_total "
        "num_grammar_timeout_total num_grammar_total num_prefill_retries_total spec_verify_calls_total",
    ),
    *_each(COUNTER, "seconds", "forward_execution_seconds_total", "category"),
    *_each(COUNTER, "tokens", "generation_tokens_total prompt_tokens_total", "is_streaming"),
    *_each(COUNTER, "tokens", "hicache_backup_tokens_total load_back_tokens_total", "pool"),
    *_each(COUNTER, "tokens", "hicache_dropped_tokens_total", "reason", "pool"),
    *_each(COUNTER, "requests", "http_requests_total", "endpoint", "method"),
    *_each(COUNTER, "requests", "num_requests_total", "is_streaming"),
    *_each(
        COUNTER,
        "count",
        "prefill_delayer_outcomes_total",
        "input_estimation",
        "output_allow",
        "output_reason",
        "actual_execution",
    ),
    *_each(COUNTER, "tokens", "prefill_effective_tokens_total realtime_tokens_total", "mode"),
    *_each(COUNTER, "seconds", "process_cpu_seconds_total", "component"),
    *_each(COUNTER, "seconds", "scheduler_idle_seconds_total scheduler_process_cpu_seconds_total"),
    *_each(COUNTER, "seconds", "scheduler_stage_seconds_total", "category", "forward_overlap"),
    *_each(
        COUNTER,
        "tokens",
        "storage_prefetch_deferred_tokens_total storage_prefetch_unfulfilled_tokens_total",
        "reason",
    ),
    *_each(HISTOGRAM, "gigabytes a second", "backup_bandwidth kv_transfer_speed_gb_s prefetch_bandwidth"),
    *_each(
        HISTOGRAM,
        "count",
        "backup_pgs diffusion_generation_batch_size grammar_ebnf_size grammar_schema_count prefetch_pgs "
        "routing_key_all_req_count routing_key_running_req_count",
    ),
    *_each(
        HISTOGRAM,
        "seconds",
        "decode_deferred_kv_release_seconds diffusion_queue_time_seconds diffusion_request_latency_seconds "
        "diffusion_stage_host_latency_seconds dp_attention_sync_wait_seconds eviction_duration_seconds "
        "get_loads_duration_seconds grammar_compilation_time_seconds grammar_tree_traversal_time_avg "
        "grammar_tree_traversal_time_max hicache_backup_duration_seconds inter_token_latency_seconds "
        "load_back_duration_seconds prefill_delayer_wait_seconds queue_time_seconds",
    ),
    *_each(HISTOGRAM, "ratio", "dp_attention_token_imbalance_ratio"),
    *_each(
        HISTOGRAM,
        "seconds",
        "e2e_request_latency_seconds request_time_per_output_token_seconds time_to_first_token_seconds",
        "is_streaming",
    ),
    *_each(HISTOGRAM, "count", "encoder_mm_items_per_batch encoder_mm_items_per_request", "modality"),
    *_each(
        HISTOGRAM,
        "seconds",
        "encoder_model_forward_seconds encoder_preprocess_seconds encoder_queue_wait_seconds "
        "encoder_request_e2e_latency_seconds",
        "modality",
    ),
    *_each(HISTOGRAM, "seconds", "encoder_transfer_seconds", "backend"),
    *_each(HISTOGRAM, "count", "eplb_gpu_physical_count", "layer"),
    *_each(HISTOGRAM, "seconds", "func_latency_seconds", "name"),
    *_each(HISTOGRAM, "tokens", "generation_tokens_histogram prompt_tokens_histogram uncached_prompt_tokens_histogram"),
    *_each(HISTOGRAM, "milliseconds", "kv_transfer_alloc_ms kv_transfer_bootstrap_ms kv_transfer_latency_ms"),
    *_each(HISTOGRAM, "megabytes", "kv_transfer_total_mb"),
    *_each(HISTOGRAM, "seconds", "per_stage_req_latency_seconds", "stage"),
    *_each(SUMMARY, "count", "eplb_balancedness", "forward_mode"),
    *_each(GAUGE, "tokens", "context_len page_size"),
    *_each(COUNTER, "requests", "http_responses_total", "endpoint", "status_code", "method"),
    *_each(HISTOGRAM, "count", "prefill_delayer_wait_forward_passes"),
)

REGISTRY = Registry(
    engine="sglang",
    prefix="sglang:",
    since="0.5.23",
    read="0.5.23",
    source="the package sglang 0.5.23",
    metrics=(*_LOAD, *_OTHERS),
    labels=("model_name",),
)
