"""Which file a tool is: a setting beats PATH, PATH beats the cache, and no random server binary gets in."""

from __future__ import annotations

import json

import pytest
from tool_fakes import executable

from cluster.tools import Source, ToolError, find, locate, needed, official_pulumi, path, setting
from cluster.tools.cache import RECORD
from cluster.tools.catalogue import SETS, TOOLS, Debian
from cluster.tools.catalogue.kubernetes import KUBECTL
from cluster.tools.golang import GoModuleFiles, GoProgram
from cluster.tools.places import TOOLCHAIN
from cluster.tools.recipe import Recipe

SERVERS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
OURS_ONLY = (*SERVERS, "kwok", "coredns", "node-local-provisioner")


def put_in_cache(recipe: Recipe) -> None:
    folder = recipe.key().folder
    folder.mkdir(parents=True)
    for output in recipe.outputs:
        (folder / output).write_text("")
    (folder / RECORD).write_text(json.dumps({"sources": recipe.sources()}))


def test_a_setting_beats_path_and_cache(own_cache, clean_path, tmp_path, monkeypatch):
    executable(clean_path / "kubectl")
    put_in_cache(KUBECTL)
    named = executable(tmp_path / "named")
    monkeypatch.setenv("SUBSTRATE_TOOL_KUBECTL", str(named))
    assert find("kubectl") == (named, Source.SETTING)


def test_path_beats_the_cache(own_cache, clean_path):
    put_in_cache(KUBECTL)
    assert find("kubectl").source is Source.CACHE
    executable(clean_path / "kubectl")
    assert find("kubectl") == (clean_path / "kubectl", Source.PATH)


@pytest.mark.parametrize("name", OURS_ONLY)
def test_a_server_binary_on_path_is_never_mixed_into_the_cluster(own_cache, clean_path, name):
    executable(clean_path / name)
    assert find(name) is None


def test_a_server_binary_may_be_named(own_cache, clean_path, tmp_path, monkeypatch):
    named = executable(tmp_path / "mine")
    monkeypatch.setenv("SUBSTRATE_TOOL_KUBE_APISERVER", str(named))
    assert path("kube-apiserver") == named


def test_a_setting_that_names_nothing_is_an_error(own_cache, monkeypatch):
    monkeypatch.setenv("SUBSTRATE_TOOL_KWOK", "/nowhere/kwok")
    with pytest.raises(ToolError, match="SUBSTRATE_TOOL_KWOK names /nowhere/kwok"):
        path("kwok")


def test_a_settings_name_can_be_written_in_every_shell():
    assert setting("smollm2-135m.gguf") == "SUBSTRATE_TOOL_SMOLLM2_135M_GGUF"


def test_pulumi_without_its_python_host_is_not_used(own_cache, clean_path):
    executable(clean_path / "pulumi")
    assert find("pulumi") is None
    assert "pulumi-resource-kubernetes" in needed("existing")


def test_an_official_pulumi_fetches_its_own_provider(own_cache, clean_path):
    executable(clean_path / "pulumi")
    executable(clean_path / "pulumi-language-python")
    assert official_pulumi()
    assert path("pulumi") == clean_path / "pulumi"
    assert "pulumi-resource-kubernetes" not in needed("existing")
    assert "pulumi-resource-kubernetes" not in needed("embedded")
    with pytest.raises(ToolError, match="left to Pulumi"):
        path("pulumi-resource-kubernetes")


def test_what_substrate_put_on_path_is_not_taken_for_the_users(own_cache, tmp_path, monkeypatch):
    own = tmp_path / "clone" / ".substrate" / "bin"
    executable(own / "pulumi")
    executable(own / "pulumi-language-python")
    monkeypatch.setenv("PATH", str(own))
    assert not official_pulumi()


def test_a_missing_tool_tells_how_to_get_it(own_cache, clean_path):
    with pytest.raises(ToolError) as caught:
        path("kwok")
    assert "python -m cluster.tools ensure kwok" in str(caught.value)


def test_a_misspelt_tool_is_named_with_the_right_ones(own_cache):
    with pytest.raises(ToolError) as caught:
        path("kube-apisever")
    assert "'kube-apisever'" in str(caught.value)
    assert "kube-apiserver" in str(caught.value)


def test_cni_plugins_are_a_folder_with_all_that_the_cluster_calls(own_cache, clean_path, tmp_path, monkeypatch):
    folder = tmp_path / "cni"
    monkeypatch.setattr(locate, "_CNI_FOLDERS", (str(folder),))
    for plugin in ("bridge", "host-local", "loopback"):
        executable(folder / plugin)
    assert find("cni-plugins") is None
    executable(folder / "portmap")
    assert path("cni-plugins") == folder


def test_an_existing_cluster_needs_no_kubernetes_and_no_packages():
    assert all(isinstance(TOOLS[name].origin, Recipe) for name in SETS["existing"])
    assert not set(SERVERS) & set(SETS["existing"])


def test_every_go_recipe_is_pinned_by_sums():
    recipes = {tool.origin for tool in TOOLS.values() if isinstance(tool.origin, GoProgram | GoModuleFiles)}
    for recipe in recipes:
        module = TOOLCHAIN / recipe.module
        requires = "require" in (module / "go.mod").read_text()
        assert (module / "go.sum").exists() == requires, recipe.name


def test_every_wheel_is_pinned_by_hash():
    text = (TOOLCHAIN / "wheels.txt").read_text().replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(requirements) == 9
    assert all("==" in line and "--hash=sha256:" in line for line in requirements)


def test_packages_are_only_for_what_path_may_give():
    assert all(tool.on_path for tool in TOOLS.values() if isinstance(tool.origin, Debian))
