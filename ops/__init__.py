"""What `make up` does around Pulumi: recover, preview under the pack, update, explain, ask. Drives the CLIs only."""
