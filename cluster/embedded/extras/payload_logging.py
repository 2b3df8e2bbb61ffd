"""The extra `payload-logging`: our sidecar, and the agent that KServe puts in. Imports this folder's Extra."""

from __future__ import annotations

from cluster.embedded.extras.extra import Extra

EXTRA = Extra("payload-logging", images=("payload-logger", "kserve-agent"))
