/** What our dashboards say, apart from how Grafana writes it (scripts/chart/grafana.ts). */

/** Of Grafana's unit formats, those that we use. */
export type Unit = "reqps" | "Bps" | "s" | "short" | "percentunit" | "bytes" | "none" | "currencyUSD" | "dateTimeFromNow";

export interface Query {
  readonly expr: string;
  /** `{{label}}` is filled in by Grafana. In a table: the heading of the query's column. */
  readonly legend: string;
  /** Of a column, where it is not the panel's. */
  readonly unit?: Unit;
}

export interface Panel {
  readonly title: string;
  /** What a reader should conclude. */
  readonly description: string;
  readonly kind: "timeseries" | "stat" | "table";
  readonly unit: Unit;
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
