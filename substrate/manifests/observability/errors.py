"""Requests and failures a server, over the windows of a burn rate. Pure; imports this package.

Two sources, each with its own series: what the engine itself counts, and what the front door saw of it, which knows of
an engine that gave no answer at all. llama.cpp and Ollama count no failures: theirs are the front door's only.
"""

from __future__ import annotations

from collections.abc import Iterator

from substrate.manifests.observability import series
from substrate.manifests.observability.series import SERVER, Record

WINDOWS = ("5m", "30m", "1h", "6h")
# Series of a bento's own doors for probes and scrapes, whose answers are no requests.
_NOT_ASKED = 'endpoint!~"/(livez|readyz|healthz|metrics)"'
# The server's own fault: what a client's request deserves (4xx) is none, nor that it went away (vLLM's abort).
_REQUESTS = (
    ("vllm:request_success_total", ""),
    ("nv_inference_request_success", ""),
    ("nv_inference_request_failure", ""),
    ("tgi_request_count", ""),
    ("bentoml_service_request_total", _NOT_ASKED),
)
_ERRORS = (
    ("vllm:request_success_total", 'finished_reason="error"'),
    ("nv_inference_request_failure", 'reason!="CANCELED"'),
    ("tgi_request_failure", 'err!="validation"'),
    ("bentoml_service_request_total", f'{_NOT_ASKED},http_response_code=~"5.."'),
)
_OF_SOURCE = (*SERVER, "source")


def records(namespace: str, front_door: str | None) -> Iterator[Record]:
    """`front_door` is the namespace that it runs in, None where the stack has none."""
    for window in WINDOWS:
        for what, counters, answers in (("requests", _REQUESTS, "."), ("errors", _ERRORS, "5")):
            counted = {"engine": ("by the engine's count", _engine(counters, namespace, window))}
            if front_door:
                seen = _front_door(answers, namespace, front_door, window)
                counted["front-door"] = ("as clients saw it", seen)
            for source, (meaning, expr) in counted.items():
                if what == "errors":
                    expr = _or_none(expr, namespace, window, source)
                name = f"substrate:{what}:rate{window}"
                yield Record(name, f"{what} a second", meaning, _OF_SOURCE, expr, {"source": source})


def _or_none(errors: str, namespace: str, window: str, source: str) -> str:
    """A counter of failures may not be there before the first: where requests are counted, that is 0 and not unknown.

    Requests are recorded before, in the same group.
    """
    requests = f'substrate:requests:rate{window}{{namespace="{namespace}",source="{source}"}}'
    return f"{errors} or on ({', '.join(SERVER)}) 0 * {requests}"


def _engine(counters: tuple[tuple[str, str], ...], namespace: str, window: str) -> str:
    """Their labels tell an engine's counters apart, so `or` adds all of them up."""
    selected = (f'{name}{{namespace="{namespace}"{f",{more}" if more else ""}}}' for name, more in counters)
    return series.of_servers(f"({' or '.join(f'rate({each}[{window}])' for each in selected)})", namespace)


def _front_door(answers: str, namespace: str, front_door: str, window: str) -> str:
    """Envoy's cluster is named by the model; a server's are added up. `answers` begins the classes that count."""
    classes = f'envoy_response_code_class=~"{answers}"'
    seen = f'rate(envoy_cluster_upstream_rq_xx{{namespace="{front_door}",{classes}}}[{window}])'
    renamed = f'label_replace({seen}, "model", "$1", "envoy_cluster_name", "(.+)")'
    model = f'substrate:model{{namespace="{namespace}"}}'
    return f"sum by ({', '.join(SERVER)}) (sum by (model) ({renamed}) * on (model) group_right () {model})"
