"""A failed update is explained in the pods' own words."""

from ops.explain import troubles


def pod(**status):
    return {"metadata": {"namespace": "home", "name": "stage-x"}, "status": status}


def test_message_of_a_container_that_ended_badly_is_shown_with_its_exit_code():
    ended = {"exitCode": 3, "message": "model.gguf: expected sha256 aa, got bb"}
    shown = list(troubles(pod(containerStatuses=[{"name": "stager", "state": {"terminated": ended}}])))

    assert shown == ["home/stage-x, container stager, exit code 3:\n    model.gguf: expected sha256 aa, got bb"]


def test_container_that_ended_well_is_no_trouble():
    ended = {"exitCode": 0, "message": "published"}

    assert not list(troubles(pod(containerStatuses=[{"name": "stager", "state": {"terminated": ended}}])))


def test_image_that_cannot_be_pulled_is_named():
    waiting = {"reason": "ErrImagePull", "message": "no such image x:1"}
    shown = list(troubles(pod(containerStatuses=[{"name": "engine", "state": {"waiting": waiting}}])))

    assert shown == ["home/stage-x, container engine, ErrImagePull:\n    no such image x:1"]


def test_pod_without_a_node_says_why():
    condition = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes: insufficient nvidia.com/gpu"}

    assert "insufficient nvidia.com/gpu" in "".join(troubles(pod(conditions=[condition])))
