"""The real CLI runs Python programs through this clone's language host. Imports pytest; needs the CLI, no cluster."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest

from tests.engine.conftest import Pulumi

pytestmark = pytest.mark.engine

COMPONENT = """
    import pulumi


    class Thing(pulumi.ComponentResource):
        def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
            super().__init__("test:index:Thing", name, {"size": 3}, opts)
            self.register_outputs({"size": 3})
"""


@pytest.fixture
def project(tmp_path: Path, pulumi: Pulumi) -> Path:
    """An empty project with a stack `dev`; a test writes the program."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: hosted\nruntime: python\n", encoding="utf-8")
    created = pulumi(["stack", "init", "dev"], folder)
    assert created.status == 0, created.output
    return folder


def write(project: Path, program: str, file: str = "__main__.py") -> None:
    target = project / file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(dedent(program), encoding="utf-8")


def outputs(pulumi: Pulumi, project: Path) -> dict[str, object]:
    shown = pulumi(["stack", "output", "--json", "--show-secrets"], project)
    assert shown.status == 0, shown.output
    values: dict[str, object] = json.loads(shown.output)
    return values


def test_component_lives_through_preview_up_unchanged_up_and_destroy(pulumi: Pulumi, project: Path) -> None:
    write(project, COMPONENT + '\n    Thing("one")\n    pulumi.export("answer", 42)\n')

    preview = pulumi(["preview"], project)
    assert preview.status == 0 and "+ 2 to create" in preview.output, preview.output
    created = pulumi(["up", "--yes"], project)
    assert created.status == 0 and "+ 2 created" in created.output, created.output
    assert outputs(pulumi, project) == {"answer": 42}
    again = pulumi(["up", "--yes", "--expect-no-changes"], project)
    assert again.status == 0 and "2 unchanged" in again.output, again.output
    destroyed = pulumi(["destroy", "--yes"], project)
    assert destroyed.status == 0 and "- 2 deleted" in destroyed.output, destroyed.output


def test_program_sees_the_run_as_the_engine_describes_it(pulumi: Pulumi, project: Path) -> None:
    write(
        project,
        """
        import os, sys
        import pulumi

        pulumi.export("names", [pulumi.get_organization(), pulumi.get_project(), pulumi.get_stack()])
        pulumi.export("dry", pulumi.runtime.is_dry_run())
        pulumi.export("parallel", pulumi.runtime.settings.SETTINGS.parallel)
        pulumi.export("where", os.getcwd())
        pulumi.export("root", pulumi.runtime.get_root_directory())
        pulumi.export("path", os.environ.get("PYTHONPATH", ""))
        pulumi.export("argv", sys.argv)
        """,
    )
    preview = pulumi(["preview"], project)
    assert "dry     : true" in preview.output, preview.output

    up = pulumi(["up", "--yes", "--skip-preview", "--parallel=3"], project, {"PYTHONPATH": "/given"})

    assert up.status == 0, up.output
    assert outputs(pulumi, project) == {
        "names": ["organization", "hosted", "dev"],
        "dry": False,
        "parallel": 3,
        "where": str(project),
        "root": str(project),
        "path": "/given",
        "argv": [str(project)],
    }


def test_config_and_secrets_arrive_and_a_secret_stays_one(pulumi: Pulumi, project: Path) -> None:
    write(
        project,
        """
        import pulumi

        config = pulumi.Config()
        pulumi.export("plain", config.require("plain"))
        pulumi.export("nested", config.require_object("models"))
        pulumi.export("token", config.require_secret("token"))
        pulumi.export("known_secret", pulumi.runtime.is_config_secret("hosted:token"))
        """,
    )
    assert pulumi(["config", "set", "plain", "7B"], project).status == 0
    assert pulumi(["config", "set", "--path", "models.a.context", "8192"], project).status == 0
    assert pulumi(["config", "set", "--secret", "token", "correct-horse"], project).status == 0

    up = pulumi(["up", "--yes"], project)

    assert up.status == 0, up.output
    assert "correct-horse" not in up.output
    assert "token       : [secret]" in up.output
    assert outputs(pulumi, project) == {
        "plain": "7B",
        "nested": {"a": {"context": 8192}},
        "token": "correct-horse",
        "known_secret": True,
    }


def test_printed_lines_of_both_streams_reach_the_user(pulumi: Pulumi, project: Path) -> None:
    write(project, 'import sys\nprint("to standard output")\nprint("to standard error", file=sys.stderr)\n')

    preview = pulumi(["preview"], project)

    assert preview.status == 0
    assert "to standard output" in preview.output and "to standard error" in preview.output


@pytest.mark.parametrize("main", ["app.py", "src", "src/app.py"])
def test_main_of_the_project_file_names_a_file_or_a_folder(pulumi: Pulumi, project: Path, main: str) -> None:
    (project / "Pulumi.yaml").write_text(f"name: hosted\nruntime: python\nmain: {main}\n", encoding="utf-8")
    folder = (project / main).parent if main.endswith(".py") else project / main
    file = project / main if main.endswith(".py") else folder / "__main__.py"
    write(project, "import pulumi, neighbour\npulumi.export('who', neighbour.NAME)\n", str(file.relative_to(project)))
    write(project, "NAME = 'beside'\n", str((folder / "neighbour.py").relative_to(project)))

    up = pulumi(["up", "--yes", "--skip-preview"], project)

    assert up.status == 0, up.output
    assert outputs(pulumi, project) == {"who": "beside"}


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import pulumi\nraise pulumi.RunError('models.a.pool: there is no pool gpu-9')", "there is no pool gpu-9"),
        ("import pulumi\nraise pulumi.InputPropertyError('pool', 'no pool gpu-9')", "no pool gpu-9"),
        ("import sys\nsys.exit('no stack file: write Pulumi.dev.yaml')", "write Pulumi.dev.yaml"),
        (
            "import pulumi\n"
            "def late(_):\n    raise pulumi.RunError('found too late')\n"
            "pulumi.Output.from_input(1).apply(late)",
            "found too late",
        ),
    ],
)
def test_users_mistake_is_a_message_and_no_traceback(pulumi: Pulumi, project: Path, program: str, said: str) -> None:
    write(project, program)

    preview = pulumi(["preview"], project)

    assert preview.status != 0
    assert re.search(rf"error: .*{said}", preview.output), preview.output
    assert "Traceback" not in preview.output and "exit code" not in preview.output, preview.output


def test_crash_shows_the_programs_own_traceback(pulumi: Pulumi, project: Path) -> None:
    write(project, "def compute(n: int) -> float:\n    return 1 / n\n\ncompute(0)\n")

    preview = pulumi(["preview"], project)

    assert preview.status != 0
    assert "Program failed with an unhandled exception" in preview.output
    assert "ZeroDivisionError: division by zero" in preview.output
    assert 'project/__main__.py", line 4' in preview.output
    assert "runpy" not in preview.output and "runner.py" not in preview.output, preview.output


@pytest.mark.parametrize(("call", "status"), [("sys.exit(0)", 0), ("sys.exit()", 0), ("sys.exit(3)", 3)])
def test_exit_in_the_program_counts_as_python_counts_it(pulumi: Pulumi, project: Path, call: str, status: int) -> None:
    write(project, f"import sys\nimport pulumi\npulumi.export('before', 1)\n{call}\n")

    up = pulumi(["up", "--yes", "--skip-preview"], project)

    assert (up.status == 0) == (status == 0), up.output
    assert (f"non-zero exit code: {status}" in up.output) == (status != 0)
    assert "Traceback" not in up.output


def test_program_without_main_file_is_told_what_is_missing(pulumi: Pulumi, project: Path) -> None:
    preview = pulumi(["preview"], project)

    assert preview.status != 0
    assert "__main__.py" in preview.output and "Traceback" not in preview.output, preview.output


def test_missing_virtual_environment_is_named_with_the_way_out(pulumi: Pulumi, project: Path) -> None:
    (project / "Pulumi.yaml").write_text(
        "name: hosted\nruntime:\n  name: python\n  options:\n    virtualenv: nowhere\n", encoding="utf-8"
    )
    write(project, "")

    preview = pulumi(["preview"], project)

    assert preview.status != 0
    assert f"{project}/nowhere" in preview.output and "make it" in preview.output, preview.output


def test_configuration_too_large_for_a_variable_is_refused_in_words(pulumi: Pulumi, project: Path) -> None:
    write(project, "")
    blob = "x" * 140_000
    with (project / "Pulumi.dev.yaml").open("a", encoding="utf-8") as stack_file:
        stack_file.write(f"config:\n  hosted:blob: {blob}\n")

    preview = pulumi(["preview"], project)

    assert preview.status != 0
    assert "split the models over several stacks" in preview.output
    assert blob not in preview.output
