"""Manifests in files, read as the API would read them, each object with its place. Never imports Pulumi."""
