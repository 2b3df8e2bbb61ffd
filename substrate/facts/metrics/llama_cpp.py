"""Metrics of llama.cpp's server. Imports the types.

Seen of the server that is built here (0.5.0-dev, commit 0c1e570) on 2026-11-24, and of b11434 (runtimes.md 2.1). They
have no labels, and are exported only with `--metrics`.
"""

from __future__ import annotations

from substrate.facts.engines import LLAMA_CPP, MetricKind
from substrate.facts.metrics.types import Exported, Gone, Registry, each

COUNTER, GAUGE = MetricKind.COUNTER, MetricKind.GAUGE

_METRICS = (
    Exported("llamacpp:requests_processing", GAUGE, "requests", meaning="requests that have a slot"),
    Exported("llamacpp:requests_deferred", GAUGE, "requests", meaning="requests that wait for a slot"),
    Exported("llamacpp:n_busy_slots_per_decode", GAUGE, "requests", meaning="mean of busy slots in a step"),
    Exported("llamacpp:prompt_tokens_seconds", GAUGE, "tokens a second", meaning="mean speed of reading prompts"),
    Exported("llamacpp:predicted_tokens_seconds", GAUGE, "tokens a second", meaning="mean speed of answers"),
    Exported("llamacpp:prompt_tokens_total", COUNTER, "tokens", meaning="tokens of prompts, cached ones aside"),
    Exported("llamacpp:prompt_tokens_cached_total", COUNTER, "tokens", meaning="tokens of prompts that were cached"),
    Exported("llamacpp:prompt_seconds_total", COUNTER, "seconds", meaning="time spent on prompts"),
    Exported("llamacpp:tokens_predicted_total", COUNTER, "tokens", meaning="tokens of answers"),
    Exported("llamacpp:tokens_predicted_seconds_total", COUNTER, "seconds", meaning="time spent on answers"),
    Exported("llamacpp:n_decode_total", COUNTER, "count", meaning="steps of the model"),
    # A counter by its TYPE line, without `_total`.
    Exported("llamacpp:n_tokens_max", COUNTER, "tokens", meaning="the longest request yet, prompt and answer"),
    *each(
        COUNTER,
        "tokens",
        "spec_decode_num_draft_tokens_total spec_decode_num_accepted_tokens_total",
        prefix="llamacpp:",
    ),
    *each(COUNTER, "tokens", "spec_decode_num_accepted_tokens_per_pos_total", "position", prefix="llamacpp:"),
    *each(COUNTER, "count", "spec_decode_num_drafts_total", prefix="llamacpp:"),
)

_GONE = (
    Gone("llamacpp:kv_cache_usage_ratio", GAUGE, "llamacpp:requests_processing"),
    Gone("llamacpp:kv_cache_tokens", GAUGE, "llamacpp:requests_processing"),
)

REGISTRY = Registry(
    engine=LLAMA_CPP,
    prefix="llamacpp:",
    since="b11434",
    read="b11434",
    source="llama-server's own /metrics",
    metrics=_METRICS,
    gone=_GONE,
)
