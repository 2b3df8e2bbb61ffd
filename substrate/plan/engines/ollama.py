"""Ollama: its store, start, drain. Facts: runtimes.md 2.3, and 0.17.4 built from its source and run on CPU."""

from __future__ import annotations

from collections.abc import Mapping

from substrate.facts.engines import ENGINES, OLLAMA
from substrate.plan.engines.base import ANSWER, ENDPOINT_REMOVAL, EXIT, OPENAI, SCRATCH_MOUNT, Placement, Serving
from substrate.plan.engines.llama_cpp import first_gguf
from substrate.values import Bytes, Duration

FACTS = ENGINES[OLLAMA]
STORE = f"{SCRATCH_MOUNT}/ollama"
# Ollama serves from a store of its own, where a file is named by its sha256. A link in place of the file spares the
# copy: the server asks whether the name is there, and the stager has verified that the bytes are. Nothing is fetched.
# The models get their served names only once those are loaded that are held at once, so that the health check cannot
# pass before; the names that they had until then go as files, since `ollama rm` would unload what both share. Those
# names have a folder, which no served name has. Then the store is closed: the API that serves would also delete, create
# and pull for whoever asks. A container that starts again finds the store of the one before and begins anew.
# Of each model four arguments: the GGUF, its sha256, its served name, a line of its Modelfile.
SERVE = """\
set -eu
of_each() {
  todo=$1 number=0
  shift
  while [ $# -gt 0 ]; do
    number=$((number + 1))
    "$todo" "unready/$number" "$1" "$2" "$3" "$4"
    shift 4
  done
}
create() {
  ln -sf "$2" "$OLLAMA_MODELS/blobs/sha256-$3"
  printf '%s\\n' "FROM $2" "$5" > "$HOME/Modelfile"
  ollama create "$1" -f "$HOME/Modelfile"
}
load() {
  if [ "$number" -le "$OLLAMA_MAX_LOADED_MODELS" ]; then
    ollama run "$1" '' < /dev/null || ollama run "$1" 'an embedding model wants text' < /dev/null > /dev/null
  fi
}
name() {
  ollama cp "$1" "$4"
}
mkdir -p "$OLLAMA_MODELS/blobs"
chmod -R u+w "$OLLAMA_MODELS"
rm -rf "$OLLAMA_MODELS/manifests"
ollama serve &
server=$!
trap 'kill -TERM "$server"; wait "$server" || true; exit 0' TERM INT
until ollama list > /dev/null 2>&1; do kill -0 "$server"; sleep 0.2; done
of_each create "$@"
of_each load "$@"
of_each name "$@"
rm -r "$OLLAMA_MODELS/manifests/registry.ollama.ai/unready"
chmod -R a-w "$OLLAMA_MODELS/manifests" "$OLLAMA_MODELS/blobs"
wait "$server"
"""


class Ollama:
    """GGUF on any GPU back to Maxwell, and on plain CPUs."""

    name = OLLAMA
    port = FACTS.port
    endpoint = OPENAI
    metrics_path: str | None = None
    command: tuple[str, ...] | None = ("/bin/sh", "-c", SERVE, OLLAMA)

    def image(self, placement: Placement) -> str:
        rocm = "-rocm" if placement.gpus and not placement.compute_capability else ""
        return f"ollama/ollama:{FACTS.release}{rocm}"

    def args(self, serving: Serving, placement: Placement) -> tuple[str, ...]:
        """What the command's script takes, each value an argument of its own: no shell reads it."""
        weights = first_gguf(serving.files)
        return (
            f"{serving.mount}/{weights}",
            serving.digests[weights],
            serving.served_name,
            f"PARAMETER num_ctx {serving.context}",
        )

    def health(self, serving: Serving) -> str:
        """The server itself answers from its first second; the model's own page is there once it has its name."""
        return f"/v1/models/{serving.served_name}"

    def environment(self, serving: Serving, placement: Placement) -> Mapping[str, str]:
        """All of Ollama's settings: `ollama serve` has no flags. The store is never pruned, it holds a link."""
        return {
            "HOME": SCRATCH_MOUNT,
            "OLLAMA_MODELS": STORE,
            "OLLAMA_HOST": f"0.0.0.0:{FACTS.port}",
            "OLLAMA_CONTEXT_LENGTH": str(serving.context),
            "OLLAMA_NUM_PARALLEL": str(serving.parallel),
            # Beyond four full batches it answers 503.
            "OLLAMA_MAX_QUEUE": str(4 * serving.parallel),
            "OLLAMA_MAX_LOADED_MODELS": "1",
            "OLLAMA_KEEP_ALIVE": "-1",
            "OLLAMA_NOPRUNE": "1",
            "OLLAMA_NO_CLOUD": "1",
            "OLLAMA_NOHISTORY": "1",
            "CUDA_CACHE_PATH": f"{SCRATCH_MOUNT}/cuda",
        }

    def start(self, placement: Placement) -> Duration:
        return Duration(60) if placement.gpus else Duration(15)

    def pre_stop(self) -> Mapping[str, object]:
        # On SIGTERM it closes every connection at once, and nothing tells how many there are: so the longest answer.
        return {"sleep": {"seconds": round(ENDPOINT_REMOVAL + ANSWER)}}

    def grace(self) -> Duration:
        return Duration(ENDPOINT_REMOVAL + ANSWER + EXIT)

    def shared_memory(self, placement: Placement) -> Bytes | None:
        return None

    def host_memory(self, weights: Bytes, placement: Placement) -> Bytes:
        """`ollama create` reads the whole file for its sha256: with room in the page cache the load reads no disk."""
        return Bytes(weights + Bytes.parse("2Gi"))
