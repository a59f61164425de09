import { VizTooltipOptionsBuilder, SortOrder, TooltipDisplayMode } from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardBuilder, DashboardCursorSync, DatasourceVariableBuilder, QueryVariableBuilder, RowBuilder, VariableRefresh, VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import type { Dashboard, Panel, Query, Row } from "./panels.ts";

const COLUMNS = 24;
const PANEL_HEIGHT = 8;
const STAT_HEIGHT = 4;
const DATA_SOURCE = { type: "prometheus", uid: "${datasource}" };

/** A dashboard as Grafana imports it, in the model of its own SDK. The same input gives the same text. */
export function dashboardJson({ uid, title, rows, variables }: Dashboard): object {
  const builder = new DashboardBuilder(title).uid(uid).tags(["weir"]).version(1).readonly().refresh("30s").timezone("browser")
    .tooltip(DashboardCursorSync.Crosshair).time({ from: "now-6h", to: "now" })
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"));
  for (const [name, query] of Object.entries(variables)) builder.withVariable(choice(name, query));
  addRows(builder, rows);
  return builder.build();
}

/** The SDK lays panels out by itself, from left to right, and begins a line where one no longer fits. */
function addRows(builder: DashboardBuilder, rows: readonly Row[]): void {
  let id = 0;
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title).id(id += 1));
    for (const panel of row.panels) builder.withPanel(panelBuilder(panel).id(id += 1));
  }
}

function choice(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name).label(name).datasource(DATA_SOURCE).query({ query, refId: name }).definition(query)
    .includeAll(true).allValue(".*").multi(true).refresh(VariableRefresh.OnTimeRangeChanged).sort(VariableSort.AlphabeticalAsc)
    .current({ text: ["All"], value: ["$__all"] });
}

function panelBuilder(panel: Panel): StatBuilder | TableBuilder | TimeseriesBuilder {
  if (panel.kind === "stat") return drawn(new StatBuilder(), panel);
  if (panel.kind === "table") return withColumns(drawn(new TableBuilder(), panel), panel.queries);
  return drawn(new TimeseriesBuilder(), panel).tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
}

/** What all kinds of panels have. */
function drawn<T extends StatBuilder | TableBuilder | TimeseriesBuilder>(builder: T, { title, description, kind, unit, queries, width }: Panel): T {
  builder.title(title).description(description).datasource(DATA_SOURCE).unit(unit).min(0).noValue("0")
    .span(width ?? COLUMNS / 2).height(kind === "stat" ? STAT_HEIGHT : PANEL_HEIGHT);
  queries.forEach((query, index) => { builder.withTarget(target(query, kind, refId(index))); });
  return builder;
}

function target({ expr, legend }: Query, kind: Panel["kind"], id: string): DataqueryBuilder {
  const query = new DataqueryBuilder().refId(id).datasource(DATA_SOURCE).expr(expr).legendFormat(legend);
  if (kind === "timeseries") return query.range();
  return kind === "table" ? query.instant().format(PromQueryFormat.Table) : query.instant();
}

/** One row for each set of labels, one column for each query. */
function withColumns(builder: TableBuilder, queries: readonly Query[]): TableBuilder {
  builder.withTransformation({ id: "merge", options: {} }).withTransformation({ id: "organize", options: { excludeByName: { Time: true } } });
  queries.forEach(({ legend, unit }, index) => {
    const name = queries.length === 1 ? "Value" : `Value #${refId(index)}`;
    const shown = [...(legend === "" ? [] : [{ id: "displayName", value: legend }]), ...(unit === undefined ? [] : [{ id: "unit", value: unit }])];
    if (shown.length > 0) builder.overrideByName(name, shown);
  });
  return builder;
}

function refId(index: number): string {
  return String.fromCodePoint(65 + index);
}
