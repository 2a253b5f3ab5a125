// The files in deploy/, as the tests read them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy');

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
}

/** `path`: within deploy/. */
export function readYaml<T>(path: string): T {
  return parse(readFileSync(join(DEPLOY, path), 'utf8')) as T;
}

export function readAlertRules(): readonly AlertRule[] {
  const { groups } = readYaml<{ groups: { rules: AlertRule[] }[] }>('prometheus/alerts.yml');
  return groups.flatMap(({ rules }) => rules);
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(join(DEPLOY, 'grafana', 'dashboards', 'rollcall.json'), 'utf8')) as Dashboard;
}
