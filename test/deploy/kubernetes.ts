// The manifests in deploy/kubernetes/ as kubectl renders them, without a cluster.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { findProgram } from '../find-program.js';

const ROOT = join(import.meta.dirname, '..', '..');

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { name: string; namespace?: string; labels?: Record<string, string> };
}

/** Of a kustomization, by its path in deploy/kubernetes/. */
export function render(kustomization: string): Manifest[] {
  const rendered = kubectl(['kustomize', join(ROOT, 'deploy', 'kubernetes', kustomization)]);
  return parseAllDocuments(rendered).map((document) => document.toJS() as Manifest);
}

/**
 * What the compiler reports if each manifest is a literal of the published type of its kind: fields that do not exist, and values of
 * the wrong type. `modules`: where the type of each kind is.
 */
export function typeErrors(manifests: readonly Manifest[], modules: Readonly<Record<string, string>>): string {
  const kinds = new Set(manifests.map(({ kind }) => kind));
  const imports = [...kinds].map((kind) => `import type { I${kind} } from '${modules[kind]}';`);
  const literals = manifests.map(
    (manifest, n) => `export const m${n}: I${manifest.kind} = ${JSON.stringify(manifest, null, 1)};`,
  );
  // Inside the repository, so that the compiler finds its packages.
  const folder = mkdtempSync(join(ROOT, 'node_modules', 'manifests-'));
  const file = join(folder, 'manifests.mts');
  writeFileSync(file, [...imports, ...literals].join('\n'));
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig'];
  const { stdout } = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), [...flags, file], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  return stdout;
}

function kubectl(args: readonly string[]): string {
  const program = findProgram(['kubectl'], 'kubernetes-client');
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  // Kubectl before 1.22, as in Debian 12, cannot render current kustomizations.
  if (status !== 0) throw new Error(`kubectl ${args[0]} failed (it must be 1.22 or later):\n${stderr}`);
  return stdout;
}
