// The documentation of the generic source, with real programs: its examples, heartbeats, and the function for Amazon Chime.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transformSync } from 'esbuild';
import { Webhook } from 'standardwebhooks';
import { readConfig } from '../../src/config/config.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { bodyCases } from '../sources/cases.js';
import { type Service, startService } from './service.js';
import { Shell } from './shell.js';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'sources', 'generic.md'), 'utf8');
const DOCUMENTED_URL = 'http://127.0.0.1:3000';
const SECRET = `whsec_${Buffer.alloc(32, 'a-feed').toString('base64')}`;

/** The last code block in this language. */
function example(language: string): string {
  const [, code = ''] = [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].at(-1) ?? [];
  return code;
}

/** The sources of this setting SOURCES. */
function sourcesOf(sources: string, more: Readonly<Record<string, string>> = {}) {
  const names = sources.split(',').map((entry) => entry.split('=')[0]?.toUpperCase());
  const secrets = names.map((name) => [`SOURCE_${name}_SIGNING_SECRETS`, SECRET]);
  return readConfig(DIALECTS, { SOURCES: sources, ...Object.fromEntries(secrets), ...more }).sources;
}

describe('the examples in docs/sources/generic.md', () => {
  let service: Service;
  let folder: string;
  beforeAll(async () => {
    service = await startService({ sources: sourcesOf('generic,chime=generic') });
    folder = mkdtempSync(join(tmpdir(), 'rollcall-generic-'));
  });
  afterAll(async () => {
    await service.stop();
    rmSync(folder, { recursive: true });
  });

  const write = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text.replaceAll(DOCUMENTED_URL, service.url));
    return file;
  };
  const run = async (command: string, environment: Record<string, string> = {}) => {
    const shell = Shell.run(command, { ROLLCALL_SECRET: SECRET, ...environment });
    expect([await shell.ended, shell.output + shell.errors]).toEqual([0, expect.not.stringContaining('urn:')]);
  };
  const participant = async (path: string) => (await service.request(`/v1/participants/${path}`)).json;

  const isWithPython = spawnSync('python3', ['--version']).status === 0;
  const examples: [string, string, () => string][] = [
    ['curl', 'alice', () => `bash ${write('example.sh', example('bash'))}`],
    ['TypeScript', 'bob', () => `node ${write('example.mjs', transformSync(example('ts'), { loader: 'ts' }).code)}`],
    ['Python', 'carol', () => `python3 ${write('example.py', example('python'))}`],
  ];
  it.each(examples.filter(([language]) => language !== 'Python' || isWithPython))(
    'in %s make %s present',
    async (_, id, command) => {
      await run(command());
      expect(await participant(`${id}?source=generic`)).toMatchObject({ state: 'connected', tag: 'support' });
    },
  );

  it('for Amazon Chime turn each of its events into the right one', async () => {
    write('index.mjs', example('js'));
    const call = write(
      'call.mjs',
      "import { handler } from './index.mjs';\nawait handler(JSON.parse(process.env.EVENT));\n",
    );
    for (const [index, { name, rawBody, expect: expected }] of bodyCases('chime/events').entries()) {
      const user = `user-${index}`;
      const id = `chime-event-${index}`;
      const EVENT = JSON.stringify({ ...JSON.parse(rawBody.replaceAll('user-7', user)), id });
      await run(`node ${call}`, { EVENT, ROLLCALL_URL: `${service.url}/callbacks/chime` });
      const { status, state, cause, tag, since } = await participant(`${user}?source=chime&scope=r-42`);
      const [event] = expected.events ?? [];
      // The function leaves out the end of a meeting.
      if (!event || event.kind === 'room-ended') {
        expect([name, status]).toEqual([name, 404]);
        continue;
      }
      const { kind, at } = event;
      const states: Readonly<Record<string, string>> = {
        connected: 'connected',
        disconnected: 'reconnecting',
        left: 'gone',
      };
      expect([name, state, tag, Date.parse(since)]).toEqual([name, states[kind], 'r-42', at]);
      expect(cause ?? null).toBe(kind === 'left' ? 'left' : null);
    }
  });
});

describe('a generic source', () => {
  const START_MS = 1_790_000_000_000;

  /** Sends events, or another body, that are signed at the time of the clock. */
  const sender = (service: Service, clock: ManualClock) => {
    let sent = 0;
    return async (source: string, content: object, headers: Readonly<Record<string, string>> = {}) => {
      sent += 1;
      const body = JSON.stringify(content);
      const now = new Date(clock.now());
      const signed = {
        'webhook-id': `msg-${sent}`,
        'webhook-timestamp': String(Math.floor(clock.now() / 1_000)),
        'webhook-signature': new Webhook(SECRET).sign(`msg-${sent}`, now, body),
      };
      const init = { 'content-type': 'application/cloudevents-batch+json', ...signed, ...headers };
      return service.request(`/callbacks/${source}`, { method: 'POST', headers: init, body });
    };
  };
  const eventAt = (timeMs: number, type: string, deviceId = 'page-1') => ({
    specversion: '1.0',
    type: `rollcall.device.${type}`,
    source: '/pages',
    id: `${type}-${deviceId}-${timeMs}`,
    time: new Date(timeMs).toISOString(),
    data: { participantId: 'alice', deviceId },
  });

  it('refuses the binary mode of CloudEvents, although the body is signed', async () => {
    const clock = new ManualClock(START_MS);
    const service = await startService({ sources: sourcesOf('generic'), clock });
    const send = sender(service, clock);
    const { data, type, ...attributes } = eventAt(START_MS, 'connected');
    const ce = Object.fromEntries(
      Object.entries({ ...attributes, type }).map(([name, value]) => [`ce-${name}`, value]),
    );
    expect((await send('generic', data, { ...ce, 'content-type': 'application/json' })).status).toBe(415);
    const structured = { ...ce, 'content-type': 'application/cloudevents+json' };
    expect((await send('generic', data, structured)).status).toBe(400);
    const left = { ...structured, 'ce-type': 'rollcall.device.left' };
    expect((await send('generic', { ...attributes, type, data }, left)).status).toBe(204);
    expect((await service.request('/v1/participants/alice')).json.state).toBe('connected');
    expect((await service.request('/callbacks/generic', { method: 'OPTIONS' })).status).toBe(405);
    await service.stop();
  });

  it('keeps whoever sends heartbeats present, for as long as they come', async () => {
    const clock = new ManualClock(START_MS);
    const sources = sourcesOf('pages=generic', { SOURCE_PAGES_MAX_CONNECTION_MS: '60000' });
    const service = await startService({ sources, clock });
    const send = sender(service, clock);
    const beat = async (...types: string[]) => {
      const events = types.map((type) => eventAt(clock.now(), type));
      expect((await send('pages', events)).status).toBe(204);
    };
    const alice = async () => (await service.request('/v1/participants/alice')).json;
    const position = async () => (await service.request('/v1/changes')).json.position;

    await beat('connected');
    const connected = await alice();
    const before = await position();
    for (let n = 0; n < 20; n += 1) {
      clock.advance(20_000);
      await beat('seen');
    }
    expect(await alice()).toMatchObject({ state: 'connected', since: connected.since, version: connected.version });
    expect(await position()).toBe(before);
    const lastMs = clock.now();
    clock.advance(59_000);
    expect((await alice()).state).toBe('connected');
    clock.advance(2_000);
    await eventually(async () => {
      const since = new Date(lastMs + 60_000).toISOString();
      expect(await alice()).toMatchObject({ state: 'gone', cause: 'expired', since });
    });
    await beat('seen');
    expect((await alice()).state).toBe('connected');
    const late = eventAt(clock.now() + 1, 'seen');
    clock.advance(2);
    await beat('left');
    expect((await send('pages', [late])).status).toBe(204);
    expect(await alice()).toMatchObject({ state: 'gone', cause: 'left' });
    await service.stop();
  });
});
