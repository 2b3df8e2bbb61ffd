"""The dashboards of a stack. Pure; each board is values, and `grafana` alone knows Grafana's library."""

from __future__ import annotations

from substrate.manifests.observability.dashboards import cold_start, fleet, model, staging
from substrate.manifests.observability.dashboards.board import Board


def boards(stack: str) -> tuple[Board, ...]:
    return (fleet.board(stack), model.board(stack), cold_start.board(stack), staging.board(stack))
