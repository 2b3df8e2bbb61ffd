"""The recipes for CI do what they promise: their steps run here, in order, on a real cluster and a file backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.tools import places
from tests import recipes
from tests.cluster.conftest import Embedded

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door")]

STACK = "local"  # whose context the embedded cluster has
MOVING = """

import pulumi_kubernetes as added

added.apps.v1.Deployment(
    "added",
    metadata={"name": "added", "namespace": "default"},
    spec={
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [{"name": "web", "image": IMAGE}]},
        },
    },
)
"""
UNKNOWN = "pulumi.Output.from_input(pulumi.UNKNOWN)"


class Change:
    """A pull request: a clone with what it adds, and what CI did with it."""

    def __init__(self, folder: Path, cluster: Embedded, image: str = "") -> None:
        self.where = recipes.clone(folder)
        self.calls = folder / "calls.txt"
        self.cluster = cluster
        path, state = recipes.stand_ins(folder / "bin", "gh", "curl"), folder / "state"
        state.mkdir()
        self.settings = {
            "PATH": path, "HOME": str(folder), "CALLS": str(self.calls), "EARLIER": "", "RUNNER_TEMP": str(folder),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "GITHUB_REPOSITORY": "acme/models",
            "PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_CONFIG_PASSPHRASE": "",
            "SUBSTRATE_CACHE": str(places.cache()),
        }  # fmt: skip
        if image:
            program = self.where / "__main__.py"
            program.write_text(program.read_text() + "\nimport pulumi" + MOVING.replace("IMAGE", image))

    def on_github(self, earlier: str = "") -> recipes.Run:
        values = {
            "matrix.stack": STACK,
            "secrets.PULUMI_BACKEND_URL": self.settings["PULUMI_BACKEND_URL"],
            "secrets.KUBECONFIG": self.cluster.kubeconfig.read_text(),
            "github.event.pull_request.number": "7",
        }
        return recipes.github("preview", self.where, values, {**self.settings, "EARLIER": earlier})

    def on_gitlab(self) -> recipes.Run:
        variables = {
            "STACK": STACK, "KUBECONFIG": str(self.cluster.kubeconfig), "GITLAB_TOKEN": "", "CI_PROJECT_ID": "1",
            "CI_API_V4_URL": "https://gitlab.test/api/v4", "CI_MERGE_REQUEST_IID": "7",
        }  # fmt: skip
        return recipes.gitlab("preview", self.where, {**self.settings, **variables})


@pytest.fixture(scope="module", autouse=True)
def monitoring(foundations: Embedded) -> Iterator[None]:
    """The namespace of the Prometheus that the local stack names, which this cluster does not have."""
    foundations.make_namespace("monitoring")
    yield
    foundations.kubectl("delete", "namespace", "monitoring")


def test_preview_of_a_good_change_is_told_once_for_each_stack(tmp_path: Path, foundations: Embedded) -> None:
    change = Change(tmp_path, foundations)

    first = change.on_github()
    assert set(first.outcomes.values()) == {"success"}, first.output
    told = change.calls.read_text()
    assert "api --method POST repos/acme/models/issues/7/comments" in told
    assert "### Preview of stack `local`: success" in told and "to create" in told
    assert "### Preview of stack `local`: success" in (tmp_path / "summary.md").read_text()

    again = change.on_github(earlier="41")
    assert set(again.outcomes.values()) == {"success"}, again.output
    assert "api --method PATCH repos/acme/models/issues/comments/41" in change.calls.read_text()


@pytest.mark.parametrize(("image", "said"), [('"nginx"', "no tag, which means latest"), (UNKNOWN, "can't run policy")])
def test_refused_or_undecided_change_fails_and_is_told_all_the_same(
    tmp_path: Path, foundations: Embedded, image: str, said: str
) -> None:
    change = Change(tmp_path, foundations, image)

    done = change.on_github()

    assert done.outcomes["Preview"] == "failure" and done.outcomes["Tell the pull request"] == "success", done.output
    told = change.calls.read_text()
    assert "### Preview of stack `local`: failure" in told and said in told


def test_gitlab_recipe_previews_and_tells_the_merge_request(tmp_path: Path, foundations: Embedded) -> None:
    change = Change(tmp_path, foundations, '"nginx"')

    done = change.on_gitlab()

    assert done.outcomes == {"script": "failed", "after_script": "success"}, done.output
    told = change.calls.read_text()
    assert "https://gitlab.test/api/v4/projects/1/merge_requests/7/notes" in told
    assert "### Preview of stack `local`: failed" in told and "no tag, which means latest" in told
