// docs/simulator.md is complete and correct: every route and option, with commands that work.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RequestMethod, type Type } from '@nestjs/common';
import { Command } from 'commander';
import { withChaosFlags, withRetryFlags, withRunFlags } from '../../simulator/options.js';
import { SCENARIOS } from '../../simulator/scenarios/scenarios.js';
import { createSimulator, type Simulator } from '../../simulator/simulator.js';
import { SimulatorModule } from '../../simulator/simulator.module.js';
import { eventually } from '../eventually.js';
import { Receiver } from './receiver.js';
import { PLAIN } from './settings.js';

const PAGE = readFileSync(new URL('../../docs/simulator.md', import.meta.url), 'utf8');

/** The routes in the tables, like 'GET /control', with their statuses. */
const documented = new Map(
  [...PAGE.matchAll(/^\| `([A-Z]+ \/\S*)` \|.*\| (\d{3})\b.* \|$/gm)].map(([, route = '', status]) => [
    route,
    Number(status),
  ]),
);

/** The routes of the controllers, like 'POST /control/participants/{participantId}'; with /v1 where it is optional. */
function existingRoutes(): string[] {
  const controllers: Type[] = Reflect.getMetadata('controllers', SimulatorModule);
  return controllers.flatMap((controller) => {
    const [prefix] = [Reflect.getMetadata('path', controller)].flat() as string[];
    const names = Object.getOwnPropertyNames(controller.prototype).filter((name) => name !== 'constructor');
    return names.flatMap((name) => {
      const handler = controller.prototype[name];
      const path: string | undefined = Reflect.getMetadata('path', handler);
      if (path === undefined) return [];
      const segments = `${prefix}/${path}`.split('/').filter((segment) => segment !== '');
      const verb = RequestMethod[Reflect.getMetadata('method', handler)];
      return [`${verb} /${segments.map((segment) => segment.replace(/^:(.+)$/, '{$1}')).join('/')}`];
    });
  });
}

function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shapeOf(member)]));
}

describe('the documentation of the APIs', () => {
  let simulator: Simulator;
  let receiver: Receiver;
  let url: string;
  let folder: string;

  beforeEach(async () => {
    receiver = await Receiver.start();
    simulator = await createSimulator(PLAIN);
    url = await simulator.listen(0, '127.0.0.1');
    folder = mkdtempSync(join(tmpdir(), 'simulator-documentation-'));
  });
  afterEach(async () => {
    await simulator.close();
    receiver.stop();
    rmSync(folder, { recursive: true });
  });

  /** Runs all curl commands of the page unchanged. Resolves with the method, path and status of each request. */
  async function runCommands() {
    const blocks = [...PAGE.matchAll(/^```bash\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
    const commands = blocks.filter((block) => block.includes('curl')).join('\n');
    const log = join(folder, 'requests');
    const script =
      `curl() { command curl --fail-with-body -w '%{stderr}%{method} %{url_effective} %{http_code}\\n' "$@" 2>>'${log}'; }\n${commands}`
        .replaceAll('http://127.0.0.1:3001', url)
        .replaceAll('127.0.0.1:3000', receiver.host);
    const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = await once(child, 'close');
    const requests = [...readFileSync(log, 'utf8').matchAll(/^([A-Z]+) (http\S+) (\d{3})$/gm)];
    return {
      code,
      requests: requests.map(([, method, address = '', status]) => ({
        call: `${method} ${new URL(address).pathname}`,
        status: Number(status),
      })),
    };
  }

  it('lists exactly the existing routes', () => {
    expect(existingRoutes().length).toBeGreaterThan(10);
    expect(new Set(documented.keys())).toEqual(new Set(existingRoutes()));
  });

  it('has working commands for every route, with the documented status', async () => {
    const { code, requests } = await runCommands();
    expect(code).toBe(0);
    for (const [route, status] of documented) {
      const pattern = new RegExp(`^${route.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
      const sent = requests.filter(({ call }) => pattern.test(call));
      expect([route, [...new Set(sent.map((request) => request.status))]]).toEqual([route, [status]]);
    }
    await eventually(() => expect(receiver.received.length).toBeGreaterThan(1));
  });

  it('shows the actual structure of the state', async () => {
    const [, example = ''] = /^```json\n([\s\S]*?)^```/m.exec(PAGE) ?? [];
    const participant = { callbackUrl: `http://${receiver.host}/`, tag: 'room-1' };
    const headers = { 'content-type': 'application/json' };
    const post = async (path: string, body?: object) => {
      const options = body ? { headers, body: JSON.stringify(body) } : {};
      return (await (await fetch(`${url}/control${path}`, { method: 'POST', ...options })).json()) as {
        participantId: string;
      };
    };
    const { participantId } = await post('/participants', participant);
    await post(`/participants/${participantId}/devices`);
    await eventually(async () => {
      expect(shapeOf(await (await fetch(`${url}/control`)).json())).toEqual(shapeOf(JSON.parse(example)));
    });
  });

  it('has the right error for a body with the default content type of curl', async () => {
    const body = new URLSearchParams('{}');
    expect((await fetch(`${url}/control/participants`, { method: 'POST', body })).status).toBe(415);
  });
});

describe('the documentation of the commands', () => {
  const everyOption = () => withRetryFlags(withChaosFlags(withRunFlags(new Command())));

  it('lists every option of a run with a valid value', () => {
    const tables = PAGE.split('\n').filter((line) => line.startsWith('| `--'));
    const examples = tables.flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`(--\S+) (\S+)`/g)]);
    const command = everyOption().exitOverride();
    command.parse(
      examples.flatMap(([, option = '', value = '']) => [option, value]),
      { from: 'user' },
    );
    const names = command.options.map(({ long }) => long);
    expect(examples).toHaveLength(names.length);
    expect(new Set(examples.map(([, option]) => option))).toEqual(new Set(names));
  });

  it('lists every scenario', () => {
    const [, table = ''] = /\| scenario \| what happens \|\n([\s\S]*?)\n\n/.exec(PAGE) ?? [];
    const rows = [...SCENARIOS.values()].map(({ name, summary }) => `| \`${name}\` | ${summary} |`);
    expect(table).toBe(['|---|---|', ...rows].join('\n'));
  });
});
