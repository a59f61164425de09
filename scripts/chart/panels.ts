/** The few parts of Grafana's dashboard model that ours are made of. */

export interface Query {
  readonly expr: string;
  /** `{{label}}` is filled in by Grafana. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What a reader should conclude. */
  readonly description: string;
  readonly kind: "timeseries" | "stat" | "table";
  readonly unit: "reqps" | "Bps" | "s" | "short" | "percentunit" | "bytes" | "none";
  readonly queries: readonly Query[];
  /** Of 24 columns; default 12. */
  readonly width?: number;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly rows: readonly Row[];
  /** Variables of the dashboard beside the data source: PromQL `label_values(...)` by name. */
  readonly variables: Readonly<Record<string, string>>;
}

const COLUMNS = 24;
const PANEL_HEIGHT = 8;
/** The model that Grafana 10 and newer read; older ones are not supported by their makers. */
const SCHEMA_VERSION = 39;
const DATA_SOURCE = { type: "prometheus", uid: "${datasource}" } as const;

/** A dashboard as Grafana imports it. The same input gives the same text. */
export function dashboardJson({ uid, title, rows, variables }: Dashboard): object {
  return {
    uid, title, tags: ["weir"], schemaVersion: SCHEMA_VERSION, version: 1, editable: false, graphTooltip: 1, refresh: "30s", timezone: "browser",
    time: { from: "now-6h", to: "now" },
    templating: { list: [dataSourceVariable(), ...Object.entries(variables).map(([name, query]) => queryVariable(name, query))] },
    panels: layOut(rows),
  };
}

function layOut(rows: readonly Row[]): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({ id: panels.length + 1, type: "row", title: row.title, collapsed: false, panels: [], gridPos: { x: 0, y, w: COLUMNS, h: 1 } });
    y += 1;
    let x = 0;
    for (const panel of row.panels) {
      const w = panel.width ?? COLUMNS / 2;
      if (x + w > COLUMNS) {
        x = 0;
        y += PANEL_HEIGHT;
      }
      panels.push({ id: panels.length + 1, ...panelJson(panel), gridPos: { x, y, w, h: PANEL_HEIGHT } });
      x += w;
    }
    y += PANEL_HEIGHT;
  }
  return panels;
}

function panelJson({ title, description, kind, unit, queries }: Panel): object {
  const isInstant = kind !== "timeseries";
  return {
    type: kind, title, description, datasource: DATA_SOURCE,
    fieldConfig: { defaults: { unit, min: 0, noValue: "0" }, overrides: [] },
    ...(kind === "timeseries" ? { options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } } } : {}),
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCodePoint(65 + index), datasource: DATA_SOURCE, expr, legendFormat: legend, instant: isInstant, range: !isInstant,
      ...(kind === "table" ? { format: "table" } : {}),
    })),
  };
}

function dataSourceVariable(): object {
  return { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", current: {}, hide: 0 };
}

function queryVariable(name: string, query: string): object {
  return {
    name, label: name, type: "query", datasource: DATA_SOURCE, query: { query, refId: name }, definition: query,
    includeAll: true, allValue: ".*", multi: true, refresh: 2, sort: 1, current: { text: ["All"], value: ["$__all"] },
  };
}
