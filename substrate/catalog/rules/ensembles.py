"""Ensembles of Triton's: steps within one server, tensors that lead somewhere. Imports types, resolvers, locator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices, Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules.triton import of_triton
from substrate.catalog.showing import shown, to_ascii
from substrate.catalog.triton import ANY_LENGTH, EnsembleStep, Tensor, Triton


@dataclass(frozen=True, slots=True)
class Step:
    """One step whose model is there and is Triton's: its block, and where the step is written."""

    number: int
    written: EnsembleStep
    block: Triton
    path: Path

    @property
    def inputs(self) -> Mapping[str, str]:
        """The model's input -> the ensemble's tensor."""
        return resolve.joined(self.written.input_map, self.block.inputs)

    @property
    def outputs(self) -> Mapping[str, str]:
        return resolve.joined(self.written.output_map, self.block.outputs)


def ensembles(catalog: Catalog) -> Iterator[tuple[str, Triton, list[EnsembleStep]]]:
    for name, block in of_triton(catalog):
        if block.ensemble and not block.backend:
            yield name, block, block.ensemble.steps


def steps_are_in_the_server(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """An ensemble hands tensors on inside one process: its models are of its own server, and it is none of them."""
    for name, _, steps in ensembles(catalog):
        server = resolve.server_of(catalog, name) or f"{name}-server"
        others = tuple(each for each in resolve.models_of(catalog, name) if each != name)
        for number, step in enumerate(steps):
            if step.model in others:
                continue
            path: Path = ("models", name, "triton", "ensemble", "steps", number, "model")
            there = step.model in catalog.models and step.model != name
            here = f"server `{server}`" if others else f"model `{name}`, which has a server to itself"
            yield where.report(
                Code.STEP_OF_ANOTHER_SERVER,
                path,
                f"`{shown(step.model)}` is no model beside ensemble `{name}`: not of {here}",
                help=f"write under `substrate:servers`: {server}: {{models: [{name}, {step.model}]}}"
                if there
                else None,
                choices=None if there else Choices(to_ascii(step.model), others),
                also=[(("servers", server), "its server"), (("models", step.model), "the model")],
            )


def ensembles_end(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """An ensemble of ensembles that comes back to itself would never answer."""
    inside = {name: {step.model for step in steps} for name, _, steps in ensembles(catalog)}
    for name in inside:
        reached: set[str] = set()
        ahead = set(inside[name])
        while ahead:
            reached |= ahead
            ahead = {model for each in ahead for model in inside.get(each, ())} - reached
        if name in reached and name not in inside[name]:
            path: Path = ("models", name, "triton", "ensemble")
            message = f"the steps of ensemble `{name}` lead back to it"
            yield where.report(
                Code.ENSEMBLE_IN_A_RING, path, message, at=where.key(path), help="remove the step that closes the ring"
            )


def tensors_lead_somewhere(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Every tensor that a step reads is made by one, and once; every output of the ensemble too."""
    for name, block, steps in ensembles(catalog):
        known = list(_steps(catalog, name, steps))
        names = [found for step in known for found in _names_of_the_model(name, step, where)]
        yield from names
        if names or len(known) < len(steps):
            continue
        makers: dict[str, Path] = {
            tensor.name: ("models", name, "triton", "inputs", number, "name")
            for number, tensor in enumerate(block.inputs)
        }
        yield from _made_once(name, known, makers, where)
        yield from _read(name, block, known, makers, where)


def _steps(catalog: Catalog, name: str, steps: list[EnsembleStep]) -> Iterator[Step]:
    """Those whose model is known; what is wrong with the others is said elsewhere."""
    blocks = dict(of_triton(catalog))
    for number, step in enumerate(steps):
        if step.model in blocks and step.model != name:
            yield Step(number, step, blocks[step.model], ("models", name, "triton", "ensemble", "steps", number))


def _names_of_the_model(name: str, step: Step, where: Locator) -> Iterator[Diagnostic]:
    """The left side of each map is a tensor of the step's model, and all of its inputs are there."""
    there: Path = ("models", step.written.model, "triton")
    sides = (("inputMap", step.inputs, step.block.inputs), ("outputMap", step.outputs, step.block.outputs))
    for key, mapped, tensors in sides:
        own = tuple(tensor.name for tensor in tensors)
        for tensor in mapped:
            if tensor not in own:
                yield where.report(
                    Code.TENSOR_NOT_THERE,
                    (*step.path, key, tensor),
                    f"`{shown(tensor)}` is no {key.removesuffix('Map')} of model `{step.written.model}`",
                    at=where.key((*step.path, key, tensor)),
                    choices=Choices(to_ascii(tensor), own),
                    also=[((*there, f"{key.removesuffix('Map')}s"), "what it has")],
                )
    if step.inputs.keys() - {tensor.name for tensor in step.block.inputs}:
        return  # what lacks is most likely what was misspelt
    for tensor in (each.name for each in step.block.inputs if each.name not in step.inputs):
        yield where.report(
            Code.TENSOR_NOT_THERE,
            (*step.path, "inputMap"),
            f"input `{shown(tensor)}` of model `{step.written.model}` gets nothing in ensemble `{name}`",
            at=where.key((*step.path, "inputMap")),
            help=f"write `{tensor}: <a tensor of the ensemble>` into the map",
            also=[((*there, "inputs"), "what it takes")],
        )


def _made_once(name: str, steps: list[Step], makers: dict[str, Path], where: Locator) -> Iterator[Diagnostic]:
    """Fills in who makes each tensor of the ensemble."""
    for step in steps:
        for own, tensor in step.outputs.items():
            path: Path = (*step.path, "outputMap", own)
            path = path if where.has(path) else (*step.path, "model")
            if makers.setdefault(tensor, path) != path:
                yield where.report(
                    Code.TENSOR_TWICE,
                    path,
                    f"tensor `{shown(tensor)}` of ensemble `{name}` is made twice",
                    help="give one of them another name in the step's outputMap, and where it is read",
                    also=[(makers[tensor], "it is there already")],
                )


def _read(
    name: str, block: Triton, steps: list[Step], makers: Mapping[str, Path], where: Locator
) -> Iterator[Diagnostic]:
    used = {tensor for step in steps for tensor in step.inputs.values()}
    for step in steps:
        for own, tensor in step.inputs.items():
            if tensor not in makers:
                path: Path = (*step.path, "inputMap", own)
                at = path if where.has(path) else (*step.path, "model")
                reader: Path = ("models", step.written.model, "triton", "inputs")
                yield _unmade(name, tensor, at, tuple(makers), where, [(reader, "what the step's model reads")])
    for number, output in enumerate(block.outputs):
        if output.name not in makers:
            path = ("models", name, "triton", "outputs", number, "name")
            made = [
                (("models", step.written.model, "triton", "outputs"), "what a step's model makes") for step in steps
            ]
            yield _unmade(name, output.name, path, tuple(makers), where, made)
    for number, given in enumerate(block.inputs):
        if given.name not in used:
            yield where.report(
                Code.TENSOR_NOT_THERE,
                ("models", name, "triton", "inputs", number, "name"),
                f"no step of ensemble `{name}` reads its input `{shown(given.name)}`",
                help="remove the input, or name it in the inputMap of the step that reads it",
                also=[(_steps_of(name), "its steps")],
            )


def _unmade(
    name: str, tensor: str, path: Path, known: tuple[str, ...], where: Locator, others: Iterable[tuple[Path, str]]
) -> Diagnostic:
    """`others` is where a model says the name that was meant, perhaps: one that reads it, or those that make any."""
    message = f"nothing makes the tensor `{shown(tensor)}` of ensemble `{name}`: it is no input of it, no step's output"
    also = [(_steps_of(name), "its steps"), (("models", name, "triton", "inputs"), "its inputs"), *others]
    return where.report(Code.TENSOR_NOT_THERE, path, message, choices=Choices(to_ascii(tensor), known), also=also)


def _steps_of(name: str) -> Path:
    return ("models", name, "triton", "ensemble", "steps")


def tensors_agree(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A tensor has one type and one shape on all its way, and a step takes batches as large as its ensemble's."""
    for name, block, written in ensembles(catalog):
        here: Path = ("models", name, "triton")
        seen = {tensor.name: (tensor, (*here, "inputs", number, "name")) for number, tensor in enumerate(block.inputs)}
        steps = list(_steps(catalog, name, written))
        for step in steps:
            yield from _batch(name, block, step, where)
        for key in ("outputs", "inputs"):
            for step in steps:
                yield from _against(name, block, step, key, seen, where)
        for number, output in enumerate(block.outputs):
            other, place = seen.get(output.name, (output, here))
            if not agree(output, other):
                yield _differ(name, output.name, output, other, (*here, "outputs", number), [place], where)


def _batch(name: str, block: Triton, step: Step, where: Locator) -> Iterator[Diagnostic]:
    said_already = step.block.dynamic_batching is not None and not step.block.max_batch_size
    there: Path = ("models", step.written.model, "triton", "maxBatchSize")
    if step.block.max_batch_size < block.max_batch_size and not said_already:
        yield where.report(
            Code.BATCHING,
            ("models", name, "triton", "maxBatchSize"),
            f"ensemble `{name}` takes batches of {block.max_batch_size}, its model `{step.written.model}` of "
            f"{step.block.max_batch_size}",
            help=f"write `maxBatchSize: {step.block.max_batch_size}`, or more at the model",
            also=[(there if where.has(there) else there[:-1], "what the model takes")],
        )


def _against(
    name: str, block: Triton, step: Step, key: str, seen: dict[str, tuple[Tensor, Path]], where: Locator
) -> Iterator[Diagnostic]:
    """The step's tensors against what is known of the ensemble's; only where both count the batch the same way."""
    if bool(step.block.max_batch_size) != bool(block.max_batch_size):
        return
    mapped, tensors = (step.inputs, step.block.inputs) if key == "inputs" else (step.outputs, step.block.outputs)
    for number, tensor in enumerate(tensors):
        place: Path = ("models", step.written.model, "triton", key, number, "name")
        outer = mapped.get(tensor.name)
        if outer is None:
            continue
        other, elsewhere = seen.setdefault(outer, (tensor, place))
        if not agree(tensor, other):
            yield _differ(name, outer, tensor, other, (*step.path, "model"), [place, elsewhere], where)


def agree(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors can be the same one: -1 is any length, and 0 is refused by itself."""
    lengths = zip(one.dims, other.dims, strict=False)
    return (
        one.data_type is other.data_type
        and len(one.dims) == len(other.dims)
        and all(a == b or min(a, b) in (ANY_LENGTH, 0) for a, b in lengths)
    )


def _differ(
    name: str, tensor: str, one: Tensor, other: Tensor, path: Path, places: list[Path], where: Locator
) -> Diagnostic:
    return where.report(
        Code.TENSOR_SHAPE,
        path,
        f"tensor `{shown(tensor)}` of ensemble `{name}` would be {said(one)} here and {said(other)} elsewhere",
        help="write the dataType and dims that the model's graph has, in both places",
        also=[(place, "one of its places") for place in places],
    )


def said(tensor: Tensor) -> str:
    return f"{tensor.data_type} {list(tensor.dims)}"
