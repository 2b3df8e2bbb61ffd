"""The extra `vllm`: vLLM's CPU build as an image. Imports this folder's Extra."""

from __future__ import annotations

from cluster.embedded.extras.extra import Extra

EXTRA = Extra("vllm", images=("vllm-cpu",))
