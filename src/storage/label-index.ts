// Which labels a store indexes, by name, and whether it knows all participants that have them. The store itself keeps this, so that
// processes with different settings, and those that start later, write and read the same index.
import { randomBytes } from 'node:crypto';
import type { Labels } from '../domain/labels.js';
import type { Group } from './ports.js';

/** `building`: participants that have not been stored since are missing. `dropping`: those are the only ones left. */
type NameState = 'complete' | 'building' | 'dropping';

export interface LabelIndexState {
  /** Changes with every choice of names, so that the end of an outdated one is recognised. */
  readonly generation: string;
  readonly names: Readonly<Record<string, NameState>>;
}

const NOTHING: LabelIndexState = { generation: '', names: {} };

/** '': nothing was ever chosen, or the store has lost it. */
export function parseLabelIndex(text: string): LabelIndexState {
  return text === '' ? NOTHING : (JSON.parse(text) as LabelIndexState);
}

/** The state in which these names are indexed and no others; undefined: that has been chosen already. */
export function chosen({ names }: LabelIndexState, wanted: readonly string[]): string | undefined {
  const all = [...new Set([...wanted, ...Object.keys(names)])];
  const next = all.map((name): [string, NameState] => {
    if (!wanted.includes(name)) return [name, 'dropping'];
    return [name, names[name] === 'complete' ? 'complete' : 'building'];
  });
  return next.every(([name, state]) => names[name] === state) ? undefined : textOf(Object.fromEntries(next));
}

/** The state once every participant has been stored again since it was chosen. */
export function completed({ names }: LabelIndexState): string {
  const kept = Object.entries(names).filter(([, state]) => state !== 'dropping');
  return textOf(Object.fromEntries(kept.map(([name]) => [name, 'complete'])));
}

export function isPending({ names }: LabelIndexState): boolean {
  return Object.values(names).some((state) => state !== 'complete');
}

/** Whether the index has all participants of the group. */
export function isComplete({ names }: LabelIndexState, { name }: Group<'label'>): boolean {
  return names[name.slice(0, name.indexOf('='))] === 'complete';
}

export function labelGroup(name: string, value: string): Group<'label'> {
  return { kind: 'label', name: `${name}=${value}` };
}

/** The groups of the labels whose name is in one of these states. */
export function groupsIn(
  { names }: LabelIndexState,
  labels: Labels | undefined,
  ...states: readonly NameState[]
): Group<'label'>[] {
  if (!labels) return [];
  return Object.entries(labels).flatMap(([name, value]) => {
    const state = names[name];
    return state !== undefined && states.includes(state) ? [labelGroup(name, value)] : [];
  });
}

function textOf(names: LabelIndexState['names']): string {
  return JSON.stringify({ generation: randomBytes(6).toString('hex'), names } satisfies LabelIndexState);
}
