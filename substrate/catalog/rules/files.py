"""The files of a model against each other and against its engine. Imports the catalogue's types, resolvers, locator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from substrate.catalog import addresses, resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules.capacity import written
from substrate.catalog.showing import shown
from substrate.catalog.spelling import FAR, distance
from substrate.catalog.types import EngineName
from substrate.facts.engines import VLLM_PLUGINS

_PART = re.compile(r"(?P<stem>.*)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})(?P<suffix>\.[a-z]+)")
# More parts than any published set; a larger number is a typing error, not a list to print.
_MOST_PARTS = 1000
# Engines whose models are programs.
OF_CODE = frozenset({EngineName.BENTOML})
# What an engine runs where the model's own block permits it: Triton's python backend its model.py.
PERMITTED = {EngineName.TRITON: (".py",)}


def paths_do_not_collide(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A path that is a file cannot be the folder of another."""
    for name, model in catalog.models.items():
        files = resolve.files_of(model)
        for path in files:
            parents = ("/".join(path.split("/")[:end]) for end in range(1, path.count("/") + 1))
            for parent in parents:
                if parent in files:
                    here: Path = ("models", name, "weights", "files")
                    yield where.report(
                        Code.FILES_COLLIDE,
                        (*here, path),
                        f"`{parent}` is a file of model `{name}`, so `{path}` cannot lie below it",
                        at=where.key((*here, path)),
                        help="give one of them another path",
                        also=[((*here, parent), "the file")],
                    )


def hold_no_code(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Weights are data. A bento is code as a whole, of which the sha256 of every file is written down."""
    for name, model in catalog.models.items():
        engine = resolve.engine_of(catalog, name)
        if engine in OF_CODE:
            continue
        for path in resolve.files_of(model):
            if (why := addresses.code_in(path)) and addresses.suffix_of(path) not in PERMITTED.get(engine, ()):
                here: Path = ("models", name, "weights", "files", path)
                yield where.report(
                    Code.UNSAFE_FORMAT,
                    here,
                    f"`{shown(path)}`: files of kind {addresses.suffix_of(path)} are not staged",
                    at=where.key(here),
                    notes=[why],
                    help="take the model's .safetensors or .gguf files",
                )


def format_of_the_engine(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """llama.cpp reads one GGUF or one split set, Ollama one GGUF, vLLM and TGI safetensors beside a config.json."""
    for name, model in catalog.models.items():
        if model.pool not in catalog.pools or model.weights is None or any(map(addresses.code_in, model.weights.files)):
            continue
        engine = resolve.engine_of(catalog, name)
        if engine in (EngineName.LLAMA_CPP, EngineName.OLLAMA):
            yield from _for_llama_cpp(catalog, name, engine, where)
        elif engine in (EngineName.VLLM, EngineName.TGI, EngineName.NIM):
            yield from _for_vllm(catalog, name, engine, where)


def _engine_place(catalog: Catalog, name: str, where: Locator) -> tuple[Path, str]:
    """Where the engine was chosen, and what to say of it."""
    path = written(where, name, "engine")
    engine = resolve.engine_of(catalog, name)
    if path[-1] == "engine":
        return path, f"the engine is {engine}"
    pool = catalog.models[name].pool
    if resolve.on_cpu(catalog.pools[pool]):
        return ("models", name, "pool"), f"on a pool of CPUs the engine is {engine} unless another is named"
    return path, f"the engine is {engine} unless another is named"


def _for_llama_cpp(catalog: Catalog, name: str, engine: EngineName, where: Locator) -> Iterator[Diagnostic]:
    here: Path = ("models", name, "weights", "files")
    paths = list(resolve.files_of(catalog.models[name]))
    ggufs = [path for path in paths if path.endswith(".gguf")]
    also = [_engine_place(catalog, name, where)]
    if not ggufs and (near := _nearly(paths, ".gguf")):
        yield _misspelt(name, near, ".gguf", where)
    elif not ggufs:
        safetensors = any(path.endswith(".safetensors") for path in paths)
        yield where.report(
            Code.WRONG_FORMAT,
            here,
            f"model `{name}` has no .gguf file, and {engine} reads nothing else",
            at=where.key(here),
            help="name the model's .gguf file" + (", or write `engine: vllm` for safetensors" if safetensors else ""),
            also=also,
        )
    elif wrong := _split_set(ggufs):
        yield where.report(
            Code.INCOMPLETE_SET,
            (*here, ggufs[-1]),
            f"the .gguf files of model `{name}` are not one model: {wrong}",
            at=where.key((*here, ggufs[-1])),
            help="name one .gguf, or every part of one set (name-00001-of-00003.gguf and on)",
            also=also,
        )
    elif engine is EngineName.OLLAMA and len(ggufs) > 1:
        yield where.report(
            Code.WRONG_FORMAT,
            (*here, ggufs[-1]),
            f"model `{name}` is a GGUF in {len(ggufs)} parts, and ollama reads one file",
            at=where.key((*here, ggufs[-1])),
            help="join the parts with llama.cpp's llama-gguf-split --merge, or write `engine: llama.cpp`",
            also=also,
        )


def _for_vllm(catalog: Catalog, name: str, engine: EngineName, where: Locator) -> Iterator[Diagnostic]:
    here: Path = ("models", name, "weights", "files")
    paths = list(resolve.files_of(catalog.models[name]))
    safetensors = [path for path in paths if path.endswith(".safetensors")]
    ggufs = [path for path in paths if path.endswith(".gguf")]
    also = [_engine_place(catalog, name, where)]
    if ggufs:
        yield where.report(
            Code.WRONG_FORMAT,
            (*here, ggufs[0]),
            f"model `{name}` is a GGUF, and {_own_image(engine)} does not read it",
            at=where.key((*here, ggufs[0])),
            notes=[f"GGUF left vLLM's core and needs the package {VLLM_PLUGINS['gguf']}, which its image lacks"]
            if engine is EngineName.VLLM
            else [],
            help="write `engine: llama.cpp`, or take the model's safetensors",
            also=also,
        )
        return
    if not safetensors and (near := _nearly(paths, ".safetensors")):
        yield _misspelt(name, near, ".safetensors", where)
        return
    config = "adapter_config.json" if catalog.models[name].adapter else "config.json"
    missing = [what for what, there in (("a .safetensors file", safetensors), (config, config in paths)) if not there]
    if missing:
        message = f"model `{name}` lacks {' and '.join(missing)}, which {_shown_as(engine)} needs"
        advice = f"add {' and '.join(missing)} of the same model to `files`"
        yield where.report(Code.WRONG_FORMAT, here, message, at=where.key(here), help=advice, also=also)
    elif wrong := _incomplete(safetensors):
        yield where.report(
            Code.INCOMPLETE_SET,
            (*here, safetensors[-1]),
            f"the .safetensors files of model `{name}` are not complete: {wrong}",
            at=where.key((*here, safetensors[-1])),
            help="name every part of the set",
            also=also,
        )


def _shown_as(engine: EngineName) -> str:
    return "vLLM" if engine is EngineName.VLLM else str(engine)


def _own_image(engine: EngineName) -> str:
    return "vLLM's own image" if engine is EngineName.VLLM else str(engine)


def _nearly(paths: Iterable[str], suffix: str) -> str | None:
    """A file whose ending is a typing error away from the one that is looked for."""
    endings = {path: "." + path.rpartition(".")[2] for path in paths if "." in path}
    return next((path for path, ending in endings.items() if 0 < distance(ending, suffix) <= FAR), None)


def _misspelt(name: str, path: str, suffix: str, where: Locator) -> Diagnostic:
    here: Path = ("models", name, "weights", "files", path)
    message = f"`{shown(path)}` of model `{name}` is no {suffix} file"
    ending = path.rpartition(".")[0] + suffix
    return where.report(Code.WRONG_FORMAT, here, message, at=where.key(here), help=f"did you mean `{shown(ending)}`?")


def _split_set(paths: list[str]) -> str | None:
    """What keeps several files from being one model's; None when they are."""
    parts = [_PART.fullmatch(path) for path in paths]
    if len(paths) == 1 and parts[0] is None:
        return None
    if not all(parts):
        return f"{len(paths)} files that are no parts of one set"
    stems = {(part["stem"], part["count"]) for part in parts if part}
    if len(stems) > 1:
        return f"parts of {len(stems)} sets"
    return _incomplete(paths)


def _incomplete(paths: Iterable[str]) -> str | None:
    """Which parts of split sets are absent; None when none is."""
    sets: dict[tuple[str, int, str], set[int]] = {}
    for path in paths:
        if part := _PART.fullmatch(path):
            sets.setdefault((part["stem"], int(part["count"]), part["suffix"]), set()).add(int(part["number"]))
    for (stem, count, suffix), numbers in sets.items():
        if count > _MOST_PARTS:
            return f"a set of {count} parts"
        if absent := [number for number in range(1, count + 1) if number not in numbers]:
            more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
            return f"{stem}-{absent[0]:05}-of-{count:05}{suffix}{more} is missing"
        if max(numbers) > count:
            return f"{stem} has a part {max(numbers)} of {count}"
    return None
