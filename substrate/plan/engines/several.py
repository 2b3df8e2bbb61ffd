"""Servers of several models: llama.cpp's router, vLLM and LoRA adapters, Ollama. Imports this package, facts, values.

llama.cpp's router was seen with the tree of b11434: every model is a process of its own, loaded at the start or by the
first request for it, which waits; where they do not fit together the one that nobody asked for longest makes room.
Ollama does the same, and an idle one makes room, whichever (0.17.4, built from its source and run on CPU).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

from substrate.facts.engines import ENGINES, LLAMA_CPP, OLLAMA, VLLM
from substrate.plan.engines import llama_cpp, ollama, vllm
from substrate.plan.engines.base import ANSWER, CONFIG_MOUNT, ENDPOINT_REMOVAL, Placement, Serving

PRESETS = "presets.ini"


class Several(Protocol):
    """What differs where an engine holds several models. `resident` is how many of them fit at once."""

    # None where no one page has the metrics of all models.
    metrics_path: str | None

    def args(self, models: Sequence[Serving], placement: Placement, resident: int) -> tuple[str, ...]: ...

    def files(self, models: Sequence[Serving], placement: Placement, resident: int) -> Mapping[str, str]:
        """What it reads from CONFIG_MOUNT, by name."""
        ...

    def environment(self, models: Sequence[Serving], placement: Placement, resident: int) -> Mapping[str, str]: ...

    def health(self, models: Sequence[Serving]) -> str: ...

    def pre_stop(self, models: Sequence[Serving]) -> Mapping[str, object]: ...


class LlamaCppRouter:
    """Many GGUF models behind one address; the field `model` of a request says which."""

    metrics_path: str | None = None  # its page asks which model's

    def args(self, models: Sequence[Serving], placement: Placement, resident: int) -> tuple[str, ...]:
        return (
            *("--models-preset", f"{CONFIG_MOUNT}/{PRESETS}"),
            *("--models-max", str(max(1, resident))),
            *("--host", "0.0.0.0"),
            *("--port", str(llama_cpp.PORT)),
            "--no-webui",
            "--offline",
        )

    def files(self, models: Sequence[Serving], placement: Placement, resident: int) -> Mapping[str, str]:
        """A section for each model: what its arguments would be, alone. As many as fit are loaded at the start."""
        sections = [_section(model, placement, number < resident) for number, model in enumerate(models)]
        return {PRESETS: "\n".join(["version = 1", *sections])}

    def environment(self, models: Sequence[Serving], placement: Placement, resident: int) -> Mapping[str, str]:
        return llama_cpp.LlamaCpp().environment(models[0], placement)

    def health(self, models: Sequence[Serving]) -> str:
        return "/health"

    def pre_stop(self, models: Sequence[Serving]) -> Mapping[str, object]:
        """As for one model: until no slot of any is busy, and no longer than an answer may take."""
        return {"exec": {"command": ["/bin/sh", "-c", _drain(models)]}}


def _section(model: Serving, placement: Placement, at_start: bool) -> str:
    settings = {
        "model": llama_cpp.model_file(model),
        **llama_cpp.sizes(model, placement),
        "metrics": "true",
        "slots": "true",
        "load-on-startup": "true" if at_start else "false",
    }
    return "\n".join([f"\n[{model.served_name}]", *(f"{key} = {value}" for key, value in settings.items())])


def _drain(models: Sequence[Serving]) -> str:
    queries = " ".join(f"'model={quote(model.served_name, safe='')}&autoload=false'" for model in models)
    return f"""\
sleep {ENDPOINT_REMOVAL:.0f}; t=0
while [ $t -lt {ANSWER:.0f} ]; do
  s=
  for q in {queries}; do
    a=http://127.0.0.1:{llama_cpp.PORT}/slots?$q
    s="$s$(curl -s "$a" || wget -q -O - "$a")"
  done
  case "$s" in *'"is_processing":true'*) sleep 1; t=$((t+1));; *) exit 0;; esac
done"""


class VllmAdapters:
    """One base model and LoRA adapters of it, each under its own served name."""

    metrics_path: str | None = vllm.Vllm.metrics_path

    def args(self, models: Sequence[Serving], placement: Placement, resident: int) -> tuple[str, ...]:
        adapters = [model for model in models if model.adapter_rank is not None]
        ranks = [model.adapter_rank or 0 for model in adapters]
        return (
            *vllm.Vllm().args(_base(models), placement),
            "--enable-lora",
            # All of them at once in a batch, so that no request waits for another's adapter.
            f"--max-loras={len(adapters)}",
            f"--max-lora-rank={_rank(max(ranks))}",
            "--lora-modules",
            *(f"{model.served_name}={model.mount}" for model in adapters),
        )

    def files(self, models: Sequence[Serving], placement: Placement, resident: int) -> Mapping[str, str]:
        return {}

    def environment(self, models: Sequence[Serving], placement: Placement, resident: int) -> Mapping[str, str]:
        return vllm.Vllm().environment(_base(models), placement)

    def health(self, models: Sequence[Serving]) -> str:
        return "/health"

    def pre_stop(self, models: Sequence[Serving]) -> Mapping[str, object]:
        return vllm.Vllm().pre_stop()


def _base(models: Sequence[Serving]) -> Serving:
    """The one that the adapters change."""
    (base,) = (model for model in models if model.adapter_rank is None)
    return base


def _rank(largest: int) -> int:
    """vLLM's kernels exist for these ranks; the next one up holds a smaller adapter."""
    return min(rank for rank in ENGINES[VLLM].adapter_ranks if rank >= largest)


class OllamaStore:
    """GGUF models in one store, each under its served name."""

    metrics_path: str | None = None

    def args(self, models: Sequence[Serving], placement: Placement, resident: int) -> tuple[str, ...]:
        return tuple(one for model in models for one in ollama.Ollama().args(model, placement))

    def files(self, models: Sequence[Serving], placement: Placement, resident: int) -> Mapping[str, str]:
        return {}

    def environment(self, models: Sequence[Serving], placement: Placement, resident: int) -> Mapping[str, str]:
        """The first `resident` are loaded at the start. The context is each model's own, and stands with it."""
        alone = ollama.Ollama().environment(models[0], placement)
        return {
            **alone,
            "OLLAMA_MAX_LOADED_MODELS": str(max(1, resident)),
            "OLLAMA_MAX_QUEUE": str(len(models) * int(alone["OLLAMA_MAX_QUEUE"])),
        }

    def health(self, models: Sequence[Serving]) -> str:
        """The last to get its name."""
        return ollama.Ollama().health(models[-1])

    def pre_stop(self, models: Sequence[Serving]) -> Mapping[str, object]:
        return ollama.Ollama().pre_stop()


SEVERAL: Mapping[str, Several] = {LLAMA_CPP: LlamaCppRouter(), VLLM: VllmAdapters(), OLLAMA: OllamaStore()}
