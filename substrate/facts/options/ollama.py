"""What Ollama can be told: `ollama serve` has no flags, so its environment and its Modelfile's parameters stand here.

Imports nothing.
"""

RELEASE = "0.17.4"
DATE = "2026-11-24"
SOURCE = "its source (envconfig/config.go, docs/modelfile.mdx), built and run"
HOW_TO_LIST = "ollama serve --help"
JOINED = True
UNDERSCORES = False
DOTTED = False
OPTIONS = """
-h --help
"""

# What `ollama serve` reads of its environment.
ENVIRONMENT = (
    "OLLAMA_AUTH",
    "OLLAMA_CONTEXT_LENGTH",
    "OLLAMA_DEBUG",
    "OLLAMA_EDITOR",
    "OLLAMA_FLASH_ATTENTION",
    "OLLAMA_GPU_OVERHEAD",
    "OLLAMA_HOST",
    "OLLAMA_KEEP_ALIVE",
    "OLLAMA_KV_CACHE_TYPE",
    "OLLAMA_LLM_LIBRARY",
    "OLLAMA_LOAD_TIMEOUT",
    "OLLAMA_MAX_LOADED_MODELS",
    "OLLAMA_MAX_QUEUE",
    "OLLAMA_MODELS",
    "OLLAMA_MULTIUSER_CACHE",
    "OLLAMA_NEW_ENGINE",
    "OLLAMA_NOHISTORY",
    "OLLAMA_NOPRUNE",
    "OLLAMA_NO_CLOUD",
    "OLLAMA_NUM_PARALLEL",
    "OLLAMA_ORIGINS",
    "OLLAMA_REMOTES",
    "OLLAMA_SCHED_SPREAD",
    "OLLAMA_VULKAN",
)

# What a line `PARAMETER <name> <value>` of a Modelfile may set.
PARAMETERS = (
    "num_ctx",
    "repeat_last_n",
    "repeat_penalty",
    "temperature",
    "seed",
    "stop",
    "num_predict",
    "top_k",
    "top_p",
    "min_p",
)
