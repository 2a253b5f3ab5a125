// The development stack, as far as it can be checked without a container engine.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { DEPLOY, readYaml } from './files.js';

const ROOT = join(DEPLOY, '..');

interface ComposeService {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface ScrapeConfig {
  readonly job_name: string;
  readonly static_configs: readonly { readonly targets: readonly string[] }[];
}

const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')) as Compose;
const { services } = compose;

/** The path in the repository of what a container sees at `path`. */
function mountedAt(service: ComposeService | undefined, path: string): string {
  for (const volume of service?.volumes ?? []) {
    const [from = '', to = ''] = volume.split(':');
    if (path === to || path.startsWith(`${to}/`)) return join(ROOT, from, path.slice(to.length));
  }
  throw new Error(`nothing is mounted at ${path}`);
}

describe('docker-compose.yml', () => {
  it('adds Prometheus and Grafana only with the profile observability, by exact versions', () => {
    const added = Object.entries(services).filter(([, { profiles }]) => profiles !== undefined);
    expect(added.map(([name, { profiles }]) => [name, profiles])).toEqual([
      ['prometheus', ['observability']],
      ['grafana', ['observability']],
    ]);
    for (const [, { image }] of added) expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
  });

  it('publishes ports on loopback only, each once', () => {
    const ports = Object.values(services).flatMap(({ ports: own = [] }) => own);
    const hosts = ports.map((port) => port.split(':').slice(0, 2).join(':'));
    expect(hosts.filter((host) => !host.startsWith('127.0.0.1:'))).toEqual([]);
    expect(new Set(hosts).size).toBe(4);
  });

  it('mounts only what exists', () => {
    const sources = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.map((one) => one.split(':')[0] ?? ''),
    );
    const isMissing = (source: string) =>
      source.startsWith('.') ? !existsSync(join(ROOT, source)) : !(source in compose.volumes);
    expect(sources.filter(isMissing)).toEqual([]);
  });

  it('gives Prometheus its configuration, and an address at which it finds the service', () => {
    expect(existsSync(mountedAt(services.prometheus, '/etc/prometheus/prometheus.yml'))).toBe(true);
    const { scrape_configs: jobs } = readYaml<{ scrape_configs: ScrapeConfig[] }>('prometheus/prometheus.yml');
    const [host = '', port = ''] = (jobs[0]?.static_configs[0]?.targets[0] ?? '').split(':');
    expect(services[host]?.ports).toEqual([`127.0.0.1:3000:${port}`]);
  });

  it('gives Grafana its data source and its dashboard', () => {
    const { datasources } = readYaml<{ datasources: { url: string; type: string }[] }>(
      'grafana/provisioning/datasources/prometheus.yml',
    );
    expect(datasources).toMatchObject([{ type: 'prometheus', url: 'http://prometheus:9090' }]);
    const { providers } = readYaml<{ providers: { options: { path: string } }[] }>(
      'grafana/provisioning/dashboards/rollcall.yml',
    );
    expect(existsSync(join(mountedAt(services.grafana, providers[0]?.options.path ?? ''), 'rollcall.json'))).toBe(true);
    expect(existsSync(mountedAt(services.grafana, '/etc/grafana/provisioning/dashboards'))).toBe(true);
  });
});
