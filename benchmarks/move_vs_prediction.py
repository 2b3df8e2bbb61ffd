"""How long a model is away that moves to KServe and back on a full pool, against the cold start that its plan predicts.

    python -m benchmarks.move_vs_prediction [--rounds 2]

A cluster of its own is brought up with KServe's controller and taken down again. The local stack's model runs on it,
all other cores of the node are taken, and its block says `downtime: allow`; each move changes the word `foundation`
and runs the update, which asks the model's URL all the while. It prints for each move the time away, the predicted cold
start, and their ratio to the prediction and ten seconds. Imports the tests' harness, nothing of the other rooms.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.embedded.layout import Root
from tests.cluster.conftest import Embedded
from tests.e2e.conftest import unobserve
from tests.e2e.harness import Project, copy_project, shell_environment
from tests.e2e.test_kserve import move, neighbour
from tests.ports import free_port

MARGIN = 10.0  # seconds beside the prediction: the routes' and the Service's part
TOLD = re.compile(r"was away for (\d+) s; its predicted cold start is (\d+) s")


def main() -> None:
    parser = argparse.ArgumentParser(description="A move on a full pool, against its prediction.")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    print(f"{'move to':<8} {'away':>6} {'predicted':>10} {'away / (predicted + 10 s)':>26}")
    with stack() as project, neighbour(project):
        for number in range(2 * given.rounds):
            foundation = ("kserve", "plain")[number % 2]
            move(project, foundation, "      downtime: allow\n")
            away, predicted = map(float, told(project.up("local").stdout))
            print(f"{foundation:<8} {away:>4.0f} s {predicted:>8.0f} s {away / (predicted + MARGIN):>26.2f}")


def told(output: str) -> tuple[str, str]:
    found = TOLD.search(output)
    if found is None:
        raise SystemExit(f"the update did not say how long the model was away:\n{output}")
    return found[1], found[2]


@contextmanager
def stack() -> Iterator[Project]:
    """The local stack, up on a pool that has room for its one replica; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="move-vs-prediction-") as folder:
        embedded = Embedded(Root.at(Path(folder) / "root"))
        try:
            port = free_port()
            embedded.up("--gateway-port", port, "--with=front-door", "--with=kserve")
            embedded.run("seed")
            project_folder = Path(folder) / "project"
            project_folder.mkdir()
            project = Project(copy_project(project_folder), shell_environment("--root", str(embedded.root.path)))
            project.edit("Pulumi.local.yaml", "127.0.0.1:8080", f"127.0.0.1:{port}")
            project.edit("Pulumi.local.yaml", "nodeCpus: 2", "nodeCpus: 1")
            unobserve(project)
            project.up("local")
            yield project
        finally:
            embedded.run("down")


if __name__ == "__main__":
    main()
