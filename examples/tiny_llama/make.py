"""A Llama of random weights, small enough for a test: a real architecture, a real tokenizer, no sense in what it says.

    export PYTHONPATH="$(.venv/bin/python -m cluster.tools path vllm-packages)"
    .venv/bin/python -m examples.tiny_llama.make FOLDER

The same bytes for the same seed and versions; torch, transformers and tokenizers are those that will serve it. Imports
nothing of Substrate.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

CONTEXT = 512  # tokens
VOCABULARY = 512
SEED = 20261124
_END, _START = "</s>", "<s>"
_CORPUS = (
    "A model answers when it is asked, and says nothing when it is not.",
    "The weights were staged once, verified, and mounted read-only.",
    "One GPU or a hundred: only the numbers change.",
    "0 1 2 3 4 5 6 7 8 9 10 100 1000",
)
_CHAT = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"


def tokenizer(folder: Path) -> None:
    """A byte-level BPE, trained on a few sentences: every text has tokens in it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[_START, _END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_CORPUS, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=_START, eos_token=_END, model_max_length=CONTEXT, chat_template=_CHAT
    )
    wrapped.save_pretrained(folder)


def weights(folder: Path, seed: int) -> None:
    """Two layers of Llama, 128 wide: heads of 32, the least that vLLM's CPU attention takes."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder, safe_serialization=True)


def make(folder: Path, seed: int = SEED) -> None:
    """Fill `folder` with what a Hugging Face repository of the model would hold, readable by everybody."""
    folder.mkdir(parents=True, exist_ok=True)
    weights(folder, seed)
    tokenizer(folder)
    for file in folder.iterdir():
        file.chmod(0o644)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the model is written; made if need be")
    parser.add_argument("--seed", type=int, default=SEED, help="of the random weights (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        make(options.folder, options.seed)
    except ModuleNotFoundError as error:
        print(f"error: {error.name} is not at hand; run it with vLLM's packages, as --help shows", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or options.folder}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
