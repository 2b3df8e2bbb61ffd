"""A LoRA adapter of random weights for the tiny Llama beside it, as PEFT would save one.

    export PYTHONPATH="$(.venv/bin/python -m cluster.tools path vllm-packages)"
    .venv/bin/python -m examples.tiny_llama.adapter FOLDER

Large enough a change that its answers differ from the model's own. Imports nothing of Substrate.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

RANK = 8
LAYERS, HIDDEN, QUERIES = 2, 128, 128  # of the tiny Llama
SEED = 7


def make(folder: Path, seed: int = SEED) -> None:
    """Fill `folder` with adapter_config.json and adapter_model.safetensors."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for layer in range(LAYERS):
        at = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        tensors[f"{at}.lora_A.weight"] = torch.randn(RANK, HIDDEN, dtype=torch.bfloat16)
        tensors[f"{at}.lora_B.weight"] = torch.randn(QUERIES, RANK, dtype=torch.bfloat16)
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "tiny_llama",
        "r": RANK,
        "lora_alpha": 2 * RANK,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": ["q_proj"],
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the adapter is written; made if need be")
    make(parser.parse_args().folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
