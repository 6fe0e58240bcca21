/**
 * What a dashboard has to be, by the types that Grafana publishes as @grafana/schema: the dashboard itself, and for each kind
 * of panel its options and its own field configuration. An unknown name is as wrong as a wrong type.
 *
 * By hand, since they are in no published schema: transformations and links of fields (@grafana/data), the queries of the two SQL
 * sources (their own src/types.ts), and what the Prometheus source keeps beside an annotation's query.
 */
import type { AnnotationQuery, Dashboard, FieldConfig, Panel, RowPanel } from '@grafana/schema';
import type * as Heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as Prometheus from '@grafana/schema/dist/esm/raw/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as StateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** As JSON carries it: members of string enums by their values, everything else as it is. */
type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends Array<infer Element>
      ? Array<Plain<Element>>
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T;

/** Options that a later Grafana has and an earlier does not: left out, every Grafana takes its default. */
type Later<T, Key extends string> = Omit<T, Key> & Partial<Pick<T, Extract<Key, keyof T>>>;

interface DataLink {
  title: string;
  url: string;
  targetBlank: boolean;
}

type Transformation =
  | { id: 'merge'; options: Record<string, never> }
  | {
      id: 'organize';
      options: {
        excludeByName: Record<string, boolean>;
        indexByName: Record<string, number>;
        renameByName: Record<string, string>;
      };
    };

type Source = { type: string; uid: string };

type PrometheusQuery = Plain<Prometheus.PrometheusDataQuery> & { datasource: Source };

interface PostgresQuery {
  refId: string;
  datasource: Source;
  editorMode: 'code' | 'builder';
  format: 'table' | 'time_series';
  rawQuery: boolean;
  rawSql: string;
}

interface SqliteQuery {
  refId: string;
  datasource: Source;
  queryType: 'table' | 'time series';
  rawQueryText: string;
  queryText: string;
  timeColumns: string[];
}

type Target = PrometheusQuery | PostgresQuery | SqliteQuery;

type Standard = Omit<Plain<FieldConfig>, 'custom' | 'links'> & { links?: DataLink[] };

type Property<Custom> =
  | { [Key in keyof Standard]-?: { id: Key; value: Required<Standard>[Key] } }[keyof Standard]
  | { [Key in keyof Custom & string]-?: { id: `custom.${Key}`; value: Required<Custom>[Key] } }[keyof Custom & string];

interface Override<Custom> {
  matcher: { id: 'byName' | 'byRegexp'; options: string };
  properties: Array<Property<Custom>>;
}

type PanelOf<Kind extends string, Options, Custom> = Omit<
  Plain<Panel>,
  'type' | 'options' | 'fieldConfig' | 'targets' | 'transformations'
> & {
  type: Kind;
  options: Options;
  fieldConfig: { defaults: Standard & { custom?: Custom }; overrides: Array<Override<Custom>> };
  targets: Target[];
  transformations: Transformation[];
};

type AnyPanel =
  | PanelOf<'table', Plain<Table.Options>, Plain<Table.FieldConfig>>
  | PanelOf<'timeseries', Plain<TimeSeries.Options>, Plain<TimeSeries.FieldConfig>>
  | PanelOf<'state-timeline', Plain<StateTimeline.Options>, Plain<StateTimeline.FieldConfig>>
  | PanelOf<'heatmap', Plain<Heatmap.Options>, Plain<Heatmap.FieldConfig>>
  | PanelOf<'stat', Later<Plain<Stat.Options>, 'percentChangeColorMode'>, Record<string, never>>;

type Annotation = Omit<Plain<AnnotationQuery>, 'target'> & {
  target?: { refId: string; expr: string; interval: string };
  titleFormat?: string;
  textFormat?: string;
};

export type CheckedDashboard = Omit<Plain<Dashboard>, 'panels' | 'annotations'> & {
  panels: Array<Plain<RowPanel> | AnyPanel>;
  annotations: { list: Annotation[] };
};
