"""The Pulumi-free library and command line: catalogue, plan, manifests."""
