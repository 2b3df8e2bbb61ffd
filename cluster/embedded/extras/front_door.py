"""The extra `front-door`: Envoy, which sends a request where its `model` field says. Imports this folder's Extra."""

from __future__ import annotations

from cluster.embedded.extras.extra import Extra

EXTRA = Extra("front-door", images=("envoy",))
