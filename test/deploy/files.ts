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

/** `path`: within deploy/. */
export function readYaml<T>(path: string): T {
  return parse(readFileSync(join(DEPLOY, path), 'utf8')) as T;
}

export function readAlertRules(): readonly AlertRule[] {
  const { groups } = readYaml<{ groups: { rules: AlertRule[] }[] }>('prometheus/alerts.yml');
  return groups.flatMap(({ rules }) => rules);
}
