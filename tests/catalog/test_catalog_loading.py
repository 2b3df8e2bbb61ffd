"""From a valid file to a catalogue: the values, the warnings, and both of YAML's loaders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from stacks import catalog

from substrate.catalog import Severity, check, load, tree
from substrate.catalog.model import Catalog
from substrate.catalog.shape import SECTIONS, SINGLE, TABLES
from substrate.catalog.types import EngineName
from substrate.values import Bytes, Digest

ROOT = Path(__file__).parents[2]
BASE = ROOT / "tests" / "bad_input" / "base.yaml"


@pytest.mark.parametrize("name", ["local", "homelab", "fleet"])
def test_the_stacks_of_this_repository_load_without_a_word(name: str) -> None:
    report = check(ROOT / f"Pulumi.{name}.yaml")
    assert report.diagnostics == []
    assert report.catalog is not None


def test_values_have_their_types() -> None:
    model = load(BASE).models["qwen2-5-7b"]
    file = model.weights.files["qwen2.5-7b-instruct-q4_k_m.gguf"]
    assert (type(file.size), file.size) == (Bytes, Bytes.parse("4.36Gi"))
    assert type(file.sha256) is Digest
    assert model.engine is EngineName.LLAMA_CPP
    assert model.weights.from_ == "file:///incoming/qwen2.5-7b/"


def test_a_catalogue_cannot_be_changed() -> None:
    found = catalog()
    with pytest.raises(ValueError, match="frozen"):
        found.models["m"].context = 1  # type: ignore[misc]


def test_the_sections_are_the_fields_of_the_catalogue() -> None:
    held = {field.alias: str(field.annotation) for field in Catalog.model_fields.values()}
    assert set(SECTIONS) == set(held)
    for name, kind in {**SINGLE, **TABLES}.items():
        assert kind.__name__ in held[name]


def test_the_pure_loader_finds_the_same_at_the_same_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without libyaml's binding is slower, not otherwise."""
    texts = {
        "valid": BASE.read_text(),
        "typo": BASE.read_text().replace("pool: cores", "poll: cores"),
        "syntax": BASE.read_text().replace("nodes: [cpu-01]", "nodes: [cpu-01"),
        "two documents": BASE.read_text().replace("  substrate:servers:", "---\n  substrate:servers:"),
    }
    for name, text in texts.items():
        file = tmp_path / f"Pulumi.{name}.yaml"
        file.write_text(text)
        places = [(each.code, each.place) for each in check(file).diagnostics]
        with monkeypatch.context() as patched:
            patched.setattr(tree, "LOADER", tree.untagged(yaml.SafeLoader))
            assert [(each.code, each.place) for each in check(file).diagnostics] == places, name


def test_a_warning_does_not_refuse_a_stack(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(BASE.read_text().replace("quantization: none}", "quantization: int3}"))
    report = check(file)
    assert [each.severity for each in report.diagnostics] == [Severity.WARNING]
    assert report.catalog is not None


def test_the_catalogue_never_imports_pulumi() -> None:
    script = (
        "import sys; from pathlib import Path; from substrate.catalog import check; check(Path(sys.argv[1]));"
        "import substrate.cli.check, substrate.catalog.schema;"
        "sys.exit(any(name.split('.')[0].startswith('pulumi') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script, str(BASE)], check=False).returncode == 0
