"""`substrate simulate`: what it prints, and what it says where it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from substrate.cli.main import main
from tests.stacks import ROOT, document

FLEET = str(ROOT / "Pulumi.fleet.yaml")
MODEL = "llama-3-1-8b-assist"


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "trace.csv"
    rows = [f"{number / 5},{500 + number % 7 * 100},{50 + number % 11}" for number in range(1500)]
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + "\n".join(rows))
    return str(path)


@pytest.fixture
def scaled(tmp_path: Path) -> str:
    """The fleet, which KEDA scales, with one model's own scaling."""
    data = document("fleet")
    data["config"]["substrate:models"][MODEL]["scaling"] = {"target": 3, "waiting": 2, "scaleDownWindow": "60s"}
    path = tmp_path / "Pulumi.scaled.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["simulate", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_stacks_own_scaling_is_simulated_with_its_targets(capsys, scaled, trace):
    code, out, _ = said(capsys, scaled, "--model", MODEL, "--trace", trace, "--replicas", "1..6", "--format", "json")
    found = json.loads(out)

    assert code == 0
    assert [choice["name"] for choice in found["choices"]] == ["the stack: in flight 3, waiting 2"]
    assert found["choices"][0]["answered"] == found["trace"]["requests"] == 1500
    assert 1 < found["choices"][0]["replicasMax"] <= 6


@pytest.mark.parametrize("metric", ["waiting", "kvCache", "tokensInFlight", "timeToFirstToken", "gpu"])
def test_every_metric_of_a_stack_file_can_be_simulated(capsys, scaled, trace, metric):
    data = yaml.safe_load(Path(scaled).read_text())
    data["config"]["substrate:models"][MODEL]["scaling"] = {"metric": metric}
    Path(scaled).write_text(yaml.safe_dump(data, sort_keys=False))

    code, out, err = said(capsys, scaled, "--model", MODEL, "--trace", trace)
    assert (code, err) == (0, "")
    assert "the stack: " in out


def test_comparing_shows_what_the_field_does_beside_the_stacks_own(capsys, scaled, trace, tmp_path):
    picture = tmp_path / "out.svg"
    arguments = ["--model", MODEL, "--trace", trace, "--compare", "--replicas", "1..4", "--picture", str(picture)]
    code, out, _ = said(capsys, scaled, *arguments)

    assert code == 0
    for name in (
        "the stack: in flight 3",
        "static, 1",
        "static, 4",
        "CPU 80 % of 4 cores",
        "waiting 5",
        "in flight 16",
    ):
        assert f"\n{name}" in out
    assert "1,500 requests in 5 min" in out
    assert picture.read_text().startswith("<svg")


def test_figures_are_told_with_where_they_are_from(capsys, trace):
    _, out, _ = said(capsys, FLEET, "--model", MODEL, "--trace", trace, "--step", "12ms", "--gpu-hour", "4")

    assert "on l40s (1 GPU a replica), 2 to 3 replicas" in out
    assert "12 ms  as written" in out
    assert "128.00 KiB of keys and values" in out
    assert "a GPU is priced at 4 an hour" in out


def test_requests_longer_than_the_context_are_refused_and_counted(capsys, tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n0,100,10\n1,16300,100\n2,100,10\n")
    _, out, _ = said(capsys, FLEET, "--model", MODEL, "--trace", str(path))

    assert "1 of 3 requests are longer than the model's context of 16,384 tokens" in out


def test_where_nothing_can_scale_it_says_so_and_shows_one_row(capsys, trace):
    _, out, _ = said(capsys, str(ROOT / "Pulumi.homelab.yaml"), "--trace", trace, "--rate", "0.02", "--compare")

    assert "least and most replicas are both 1" in out
    assert "static" not in out


def test_more_replicas_than_the_pool_has_gpus_are_simulated_and_said(capsys, trace):
    _, out, _ = said(capsys, FLEET, "--model", MODEL, "--trace", trace, "--replicas", "1..12")

    assert "12 replicas take 12 GPUs, and pool l40s has 8" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "llama-3-1-8b-asist"], "no model `llama-3-1-8b-asist`; is `llama-3-1-8b-assist` meant?"),
        (["--model", "zzz"], "no model `zzz`: "),
        ([], "the stack has 13 language models: name one with --model: codestral-22b-review"),
        (["--model", "bge-reranker-v2-m3"], "`bge-reranker-v2-m3` has no tokens to count: triton serves it"),
        (["--model", MODEL, "--trace", "/nowhere.csv"], "/nowhere.csv: no such file"),
        (["--model", MODEL, "--rate", "0.0001"], "trace.csv lasts 35 days: 31 are simulated at most"),
        (["--model", MODEL, "--window", "900..1000"], "no request comes between 900 s and 1000 s"),
        (["--model", MODEL, "--picture", "/nowhere/out.svg"], "--picture /nowhere/out.svg: No such file"),
    ],
)
def test_what_cannot_be_simulated_is_explained(capsys, trace, arguments, message):
    given = [*([] if "--trace" in arguments else ["--trace", trace]), *arguments]
    code, out, err = said(capsys, FLEET, *given)

    assert (code, out) == (1, "")
    assert message in err


def test_without_a_trace_it_says_where_to_find_one(capsys):
    code, _, err = said(capsys, FLEET, "--model", MODEL)

    assert code == 1
    assert "TIMESTAMP, ContextTokens, GeneratedTokens" in err
    assert "examples/traces" in err


def test_a_stack_file_with_errors_is_shown_as_check_does(capsys, tmp_path, trace):
    path = tmp_path / "Pulumi.bad.yaml"
    path.write_text("config:\n  substrate:modles: {}\n")
    code, _, err = said(capsys, str(path), "--trace", trace)

    assert code == 1
    assert "substrate:modles" in err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--rate", "0", "not a number above 0"),
        ("--rate", "nan", "not a number above 0"),
        ("--window", "500..100", "write 0..3500"),
        ("--window", "5", "write 0..3500"),
        ("--replicas", "8..1", "write 1..8"),
        ("--replicas", "0..0", "write 1..8"),
        ("--cold-start", "60", "write 60s"),
        ("--step", "12", "write 12ms"),
        ("--sequences", "1.5", "a whole number"),
    ],
)
def test_an_option_that_is_wrong_says_what_to_write(capsys, option, value, message):
    with pytest.raises(SystemExit) as ended:
        main(["simulate", FLEET, option, value])

    assert ended.value.code == 2
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_a_long_simulation_says_how_far_it_is(capsys, trace, monkeypatch):
    monkeypatch.setattr("substrate.cli.simulate._PATIENCE", 0.0)
    code, out, err = said(capsys, FLEET, "--model", MODEL, "--trace", trace, "--format", "json")

    assert code == 0
    assert json.loads(out)
    assert "simulating: 1 of 1" in err
