// A real Prometheus with the configuration in deploy/, which scrapes a service several times a second.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { eventually } from '../eventually.js';
import { findProgram } from '../find-program.js';
import { freePort } from '../free-port.js';
import { closeOnce } from '../leftovers.js';
import { DEPLOY, readYaml } from './files.js';

const INTERVAL = '500ms';

interface Configuration {
  readonly scrape_configs: readonly object[];
}

/** The value is text, since it may be `NaN`. */
interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

interface RuleHealth {
  readonly name: string;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
}

export class PrometheusServer {
  readonly stop = closeOnce(() => this.#stop());

  private constructor(
    private readonly url: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {}

  /** `target`: the host and port of the service. Resolves when queries are answered. */
  static async start(target: string): Promise<PrometheusServer> {
    const binary = findProgram(['prometheus'], 'prometheus');
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-prometheus-'));
    copyFileSync(join(DEPLOY, 'prometheus', 'alerts.yml'), join(folder, 'alerts.yml'));
    const { scrape_configs: jobs, ...rest } = readYaml<Configuration>('prometheus/prometheus.yml');
    const global = { scrape_interval: INTERVAL, scrape_timeout: INTERVAL, evaluation_interval: INTERVAL };
    const scraped = jobs.map((job) => ({ ...job, static_configs: [{ targets: [target] }] }));
    writeFileSync(join(folder, 'prometheus.yml'), stringify({ ...rest, global, scrape_configs: scraped }));
    const address = `127.0.0.1:${await freePort()}`;
    const options = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
    const child = spawn(binary, [...options, `--web.listen-address=${address}`], { stdio: 'ignore' });
    const server = new PrometheusServer(`http://${address}`, folder, child);
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`);
      const { ok } = await fetch(`${server.url}/-/ready`);
      if (!ok) throw new Error('prometheus is not ready');
    });
    return server;
  }

  async query(query: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<{ result: Sample[] }>('query', { query });
    return result;
  }

  /** How the last evaluation of each alert went. */
  async ruleHealth(): Promise<readonly RuleHealth[]> {
    const { groups } = await this.#get<{ groups: { rules: RuleHealth[] }[] }>('rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  async #get<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const query = new URLSearchParams(parameters).toString();
    const response = await fetch(`${this.url}/api/v1/${path}?${query}`);
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`${parameters.query}: ${error}`);
    return data;
  }

  async #stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    if (this.child.exitCode === null && this.child.kill('SIGKILL')) await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
