// The manifests are valid, and agree with each other, with the image and with the settings.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { Ingress, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Namespace, Service } from 'kubernetes-models/v1';
import { readConfig } from '../../src/config/config.js';
import { SETTINGS } from '../../src/config/settings.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { lastOf, readDockerfile } from '../image/dockerfile.js';
import { type Manifest, render, typeErrors } from './kubernetes.js';

const MODELS = {
  'kubernetes-models/v1': { ConfigMap, Namespace, Service },
  'kubernetes-models/apps/v1': { Deployment },
  'kubernetes-models/autoscaling/v2': { HorizontalPodAutoscaler },
  'kubernetes-models/networking.k8s.io/v1': { Ingress, NetworkPolicy },
  'kubernetes-models/policy/v1': { PodDisruptionBudget },
  '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1': { ServiceMonitor },
};
const SECRETS = {
  REDIS_URL: 'redis://redis:6379',
  API_KEYS: `reader:read:${'0'.repeat(64)}`,
  CALLBACK_SECRETS: 'the-one-live-secret-of-at-least-32-characters',
};

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', '..', path), 'utf8');

describe.each(['base', 'overlays/example'])('deploy/kubernetes/%s', (kustomization) => {
  it('has only fields that Kubernetes knows, with valid values', () => {
    const manifests = render(kustomization);
    const kinds = Object.entries(MODELS).flatMap(([module, models]) =>
      Object.entries(models).map(([kind, Model]) => ({ kind, module, Model })),
    );
    expect(manifests.length).toBeGreaterThanOrEqual(5);
    for (const manifest of manifests) {
      const { Model } = kinds.find(({ kind }) => kind === manifest.kind) ?? {};
      expect(Model?.apiVersion).toBe(manifest.apiVersion);
      if (Model) new Model(manifest as never).validate();
    }
    expect(typeErrors(manifests, Object.fromEntries(kinds.map(({ kind, module }) => [kind, module])))).toBe('');
  });
});

describe('the example for Kubernetes', () => {
  let manifests: Manifest[];
  let pod: NonNullable<NonNullable<Deployment['spec']>['template']['spec']>;
  let container: (typeof pod)['containers'][0];
  let settings: Record<string, string>;
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-secrets-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(() => {
    manifests = render('overlays/example');
    pod = one<Deployment>('Deployment').spec?.template.spec ?? { containers: [] };
    [container = { name: '' }] = pod.containers;
    const variables = (container.env ?? []).map(({ name, value = '' }) => [name, value]);
    settings = { ...one<ConfigMap>('ConfigMap').data, ...Object.fromEntries(variables) };
  });

  function one<T>(kind: string): T {
    const found = manifests.filter((manifest) => manifest.kind === kind);
    expect(found).toHaveLength(1);
    return found[0] as T;
  }

  it('selects the pods by their labels', () => {
    const { selector, template } = one<Deployment>('Deployment').spec ?? {};
    const { matchLabels } = selector ?? {};
    expect(template?.metadata?.labels).toEqual(matchLabels);
    expect(one<Service>('Service').spec?.selector).toEqual(matchLabels);
    expect(one<PodDisruptionBudget>('PodDisruptionBudget').spec?.selector).toEqual({ matchLabels });
    expect(one<NetworkPolicy>('NetworkPolicy').spec?.podSelector).toEqual({ matchLabels });
    for (const { labelSelector } of pod.topologySpreadConstraints ?? []) expect(labelSelector).toEqual({ matchLabels });
    expect(one<ServiceMonitor>('ServiceMonitor').spec.selector).toEqual({
      matchLabels: one<Service>('Service').metadata?.labels,
    });
  });

  it('puts everything into its namespace, and refers to what exists', () => {
    const { name } = one<Manifest>('Namespace').metadata;
    const others = manifests.filter(({ kind }) => kind !== 'Namespace');
    expect(new Set(others.map(({ metadata }) => metadata.namespace))).toEqual(new Set([name]));
    const { apiVersion, kind, metadata } = one<Manifest>('Deployment');
    const { scaleTargetRef } = one<HorizontalPodAutoscaler>('HorizontalPodAutoscaler').spec ?? {};
    expect(scaleTargetRef).toEqual({ apiVersion, kind, name: metadata.name });
    expect(one<Deployment>('Deployment').spec).not.toHaveProperty('replicas');
    const configMap = one<Manifest>('ConfigMap').metadata.name;
    expect(container.envFrom).toEqual([{ configMapRef: { name: configMap } }]);
  });

  it('uses the same ports everywhere', () => {
    const { ENV = '' } = image();
    const ports = new Map((container.ports ?? []).map(({ name, containerPort }) => [name, containerPort]));
    expect(ports).toEqual(
      new Map([
        ['http', Number(/\bPORT=(\d+)/.exec(ENV)?.[1])],
        ['metrics', Number(settings.METRICS_PORT)],
      ]),
    );
    const service = one<Service>('Service');
    const published = (service.spec?.ports ?? []).map(({ name }) => name);
    expect((service.spec?.ports ?? []).map(({ targetPort }) => targetPort)).toEqual(['http', 'metrics']);
    expect(one<ServiceMonitor>('ServiceMonitor').spec.endpoints.map(({ port }) => port)).toEqual(['metrics']);
    const backends = (one<Ingress>('Ingress').spec?.rules ?? []).flatMap(({ http }) => http?.paths ?? []);
    expect(backends.map(({ backend }) => backend.service)).toEqual([
      { name: service.metadata?.name, port: { name: 'http' } },
    ]);
    const admitted = one<NetworkPolicy>('NetworkPolicy').spec?.ingress ?? [];
    expect(admitted.flatMap(({ ports }) => ports ?? []).map(({ port }) => port)).toEqual(['http', 'metrics']);
    expect(published).toEqual(['http', 'metrics']);
  });

  it('asks for health at paths that exist', () => {
    const { paths } = JSON.parse(read('dist/openapi.json')) as { paths: Record<string, unknown> };
    const { startupProbe, livenessProbe, readinessProbe } = container;
    const probed = [startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet);
    expect(probed).toEqual(['live', 'live', 'ready'].map((name) => ({ path: `/health/${name}`, port: 'http' })));
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/health/live', '/health/ready']));
  });

  it('gives a pod the time to stop', () => {
    const [program, delayS] = container.lifecycle?.preStop?.exec?.command ?? [];
    const [, closeTimeoutS] = /not finished after (\d+) s are closed/.exec(read('docs/production.md')) ?? [];
    expect(program).toBe('sleep');
    expect(settings.SHUTDOWN_DELAY_MS).toBe('0');
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number(delayS) + Number(closeTimeoutS));
  });

  it('runs as the user of the image, and can write only to its volume', () => {
    const { USER, VOLUME } = image();
    expect(`${pod.securityContext?.runAsUser}:${pod.securityContext?.runAsGroup}`).toBe(USER);
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
    expect(container.volumeMounts?.filter(({ readOnly }) => !readOnly)).toEqual([{ name: 'data', mountPath: VOLUME }]);
  });

  it('uses settings that exist, with which the service starts', () => {
    const files = Object.entries(settings).filter(([name]) => name.endsWith('_FILE'));
    expect(files).toEqual(Object.keys(SECRETS).map((name) => [`${name}_FILE`, `/etc/rollcall/${name}`]));
    for (const [name, text] of Object.entries(SECRETS)) writeFileSync(join(folder, name), `${text}\n`);
    const mounted = files.map(([name, path]) => [name, join(folder, basename(path))]);
    const declared = (image().ENV ?? '').split(' ').map((assignment) => assignment.split('='));
    const environment = { ...Object.fromEntries(declared), ...settings, ...Object.fromEntries(mounted) };
    const { host, storePlace, warnings } = readConfig(DIALECTS, environment);
    expect({ host, dataDir: storePlace.dataDir, warnings }).toEqual({
      host: '0.0.0.0',
      dataDir: '/data',
      warnings: [],
    });
    const known = Object.values(SETTINGS).map(({ name }) => name);
    const unknown = Object.keys(settings).filter((name) => !known.includes(name.replace(/_FILE$/, '')));
    expect(unknown).toEqual([]);
    expect(container.volumeMounts?.find(({ name }) => name === 'secrets')?.mountPath).toBe(
      dirname(files[0]?.[1] ?? ''),
    );
    for (const name of Object.keys(SECRETS)) expect(read('docs/kubernetes.md')).toContain(`--from-file=${name}`);
  });
});

/** What the image declares, by keyword. */
function image(): Record<string, string | undefined> {
  return Object.fromEntries(lastOf(readDockerfile()).steps.map(({ keyword, text }) => [keyword, text]));
}
