"""The extra `triton`: NVIDIA's Triton Inference Server as an image. Imports this folder's Extra."""

from __future__ import annotations

from cluster.embedded.extras.extra import Extra

EXTRA = Extra("triton", images=("tritonserver",))
