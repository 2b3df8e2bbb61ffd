"""What `make up` does around Pulumi: recover, preview under the pack, update, explain, ask. Drives the CLIs only.

`live`, which is no part of that, shows what the models do.
"""
