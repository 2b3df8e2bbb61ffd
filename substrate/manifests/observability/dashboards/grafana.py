"""Boards as Grafana's own JSON, by its foundation SDK: the one file that imports it.

The SDK's classes are those of Grafana 10.1; newer ones read and migrate them.
"""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as forms
from grafana_foundation_sdk.models import dashboard as values

from substrate.manifests.observability.dashboards.board import Board, Kind, Panel, Query

_SOURCE = values.DataSourceRef(type_val="prometheus", uid="${source}")
_HEIGHTS = {Kind.STAT: 4, Kind.TABLE: 9}
_REFRESH, _SINCE = "15s", "now-1h"  # as often as metrics are read

PanelBuilder = Any  # the SDK's panels share no class


def text(board: Board, stack: str) -> str:
    """The same board is the same text, whoever builds it."""
    return json.dumps(build(board, stack).build(), cls=JSONEncoder, indent=1, sort_keys=True)


def build(board: Board, stack: str) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(f"{board.title} ({stack})")
        .uid(f"substrate-{stack}-{board.name}"[:40])
        .description(board.says)
        .tags(["substrate", stack])
        .refresh(_REFRESH)
        .time(_SINCE, "now")
        .timezone("browser")
        .tooltip(values.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
        .link(_others(stack))
    )
    known: list[str] = []
    for name in board.variables:
        made.with_variable(variable(name, stack, known))
        known.append(name)
    numbers = count(1)
    for row in board.rows:
        made.with_row(dashboard.Row(row.title).id(next(numbers)))
        for panel in row.panels:
            made.with_panel(drawn(panel).id(next(numbers)))
    return made


def _others(stack: str) -> dashboard.DashboardLink:
    """A menu of the stack's other boards, which keeps what was picked."""
    link = dashboard.DashboardLink("Substrate").type(values.DashboardLinkType.DASHBOARDS).tags(["substrate", stack])
    return link.as_dropdown(True).include_vars(True).keep_time(True)


def variable(name: str, stack: str, known: list[str]) -> dashboard.QueryVariable:
    """A label of the stack's servers; all of its values at first."""
    matchers = ",".join([f'stack="{stack}"', *(f'{label}=~"${label}"' for label in known)])
    return (
        dashboard.QueryVariable(name)
        .label(name.title())
        .datasource(_SOURCE)
        .query(f"label_values(substrate:server{{{matchers}}}, {name})")
        .refresh(values.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(values.VariableSort.ALPHABETICAL_ASC)
        .include_all(True)
        .all_value(".+")
        .multi(True)
        .current(values.VariableOption(selected=True, text="All", value="$__all"))
    )


def drawn(panel: Panel) -> PanelBuilder:
    made = _BUILDERS[panel.kind](panel)
    for number, query in enumerate(panel.queries):
        made.with_target(target(query, panel.kind, chr(ord("A") + number)))
    return (
        made.title(panel.title)
        .description(panel.says)
        .datasource(_SOURCE)
        .unit(panel.unit)
        .span(panel.width)
        .height(_HEIGHTS.get(panel.kind, 8))
    )


def target(query: Query, kind: Kind, reference: str) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(query.expr).legend_format(query.name).ref_id(reference)
    if kind is Kind.TABLE:
        return made.instant().format(_TABLE)
    return made.instant() if kind is Kind.STAT else made.range()


def _stat(panel: Panel) -> PanelBuilder:
    options = common.ReduceDataOptions().calcs(["lastNotNull"])
    made = stat.Panel().reduce_options(options).graph_mode(forms.BigValueGraphMode.NONE)
    return made.color_mode(forms.BigValueColorMode.VALUE).thresholds(_thresholds(panel))


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    steps = [values.Threshold(value=None, color="green")]
    for color, value in (("orange", panel.warn), ("red", panel.bad)):
        if value is not None:
            steps.append(values.Threshold(value=value, color=color))
    return dashboard.ThresholdsConfig().mode(values.ThresholdsMode.ABSOLUTE).steps(steps)


def _lines(panel: Panel) -> PanelBuilder:
    legend = (
        common.VizLegendOptions().display_mode(forms.LegendDisplayMode.LIST).placement(forms.LegendPlacement.BOTTOM)
    )
    tooltip = common.VizTooltipOptions().mode(forms.TooltipDisplayMode.MULTI).sort(forms.SortOrder.DESCENDING)
    made = timeseries.Panel().legend(legend.show_legend(True)).tooltip(tooltip).min(0).line_width(1).fill_opacity(10)
    made.show_points(forms.VisibilityMode.NEVER)
    if panel.kind is Kind.STEPS:
        made.line_interpolation(forms.LineInterpolation.STEP_AFTER).fill_opacity(0)
    if panel.kind is Kind.STACKED:
        _stacked(made, panel)
    return made


def _stacked(made: timeseries.Panel, panel: Panel) -> None:
    """Whose legend is no template is one line over the stack, and not a part of it."""
    made.stacking(common.StackingConfig().mode(forms.StackingMode.NORMAL).group("A")).fill_opacity(30)
    for query in panel.queries:
        if "{{" not in query.name:
            alone = values.DynamicConfigValue(id_val="custom.stacking", value={"mode": "none", "group": "A"})
            dashed = values.DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [10, 10]})
            unfilled = values.DynamicConfigValue(id_val="custom.fillOpacity", value=0)
            made.override_by_name(query.name, [alone, dashed, unfilled])


def _table(panel: Panel) -> PanelBuilder:
    """One row a thing: Grafana merges the queries' tables by their labels, and names each one's value `Value #A`."""
    names = {f"Value #{chr(ord('A') + number)}": query.name for number, query in enumerate(panel.queries)}
    order = {name: place for place, name in enumerate([*panel.labels, *names])}
    organized = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
    made = table.Panel().show_header(True)
    made.with_transformation(values.DataTransformerConfig(id_val="merge", options={}))
    made.with_transformation(values.DataTransformerConfig(id_val="organize", options=organized))
    for query in panel.queries:
        if query.unit:
            made.override_by_name(query.name, [values.DynamicConfigValue(id_val="unit", value=query.unit)])
    return made


_TABLE: Any = "table"
_BUILDERS = {
    Kind.STAT: _stat,
    Kind.LINES: _lines,
    Kind.STEPS: _lines,
    Kind.STACKED: _lines,
    Kind.TABLE: _table,
}
