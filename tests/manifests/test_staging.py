"""The staging Job and its listing."""

import json

from substrate.manifests import staging
from tests.stacks import plan_of


def only_claim():
    return plan_of("local").claims[0]


def test_listing_is_what_the_stager_reads():
    claim = only_claim()
    listing = json.loads(staging.config_map(claim, claim.weights[0])["data"]["listing.json"])

    assert listing == {
        "digest": claim.weights[0].digest,
        "source": {
            "uri": "s3://models/smollm2-135m-instruct/",
            "endpoint": "http://s3.substrate-system.svc.cluster.local:8333",
            "anonymous": True,
        },
        "files": [
            {
                "path": "model.gguf",
                "size": 98362432,
                "sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            }
        ],
    }


def test_wrong_bytes_end_the_job_at_once_and_a_lost_network_does_not():
    claim = only_claim()
    spec = staging.job(claim, claim.weights[0])["spec"]
    retried = {
        code for rule in spec["podFailurePolicy"]["rules"] for code in rule.get("onExitCodes", {}).get("values", [])
    }

    assert spec["backoffLimit"] == 0
    assert retried == {6, 137, 143}, "what docs/architecture.md says another try can mend"


def test_job_and_listing_are_named_by_what_they_stage():
    weights = only_claim().weights[0]

    assert staging.job_name(weights) == f"stage-smollm2-135m-{weights.digest[:12]}"


def test_secret_is_named_and_never_copied():
    claim = next(claim for claim in plan_of("fleet").claims if claim.namespace == "code")

    assert staging.container(claim.weights[0])["envFrom"] == [{"secretRef": {"name": "model-store"}}]


def test_nfs_volume_is_reserved_for_its_claim_and_kept():
    claim = plan_of("homelab").claims[0]
    volume = staging.nfs_volume(claim)

    assert volume["spec"]["nfs"] == {"server": "store-01", "path": "/export/models"}
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert volume["spec"]["claimRef"]["name"] == staging.claim(claim)["metadata"]["name"]
    assert staging.claim(claim)["spec"]["volumeName"] == volume["metadata"]["name"]
