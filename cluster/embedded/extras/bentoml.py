"""The extra `bentoml`: the image that runs a mounted bento, and the example's own. Imports this folder's Extra."""

from __future__ import annotations

from cluster.embedded.extras.extra import Extra

EXTRA = Extra("bentoml", images=("bentoml", "bento-language"))
