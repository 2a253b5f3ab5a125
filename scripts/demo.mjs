// npm run demo: starts the service with its embedded store and the simulator with a meeting, and prints changes as they happen. With
// --webhooks, it is told them by webhooks, to a receiver that checks their signatures.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build, install } from './prepare.mjs';

const LISTENS = /listens on (http:\/\/\S+)/;
/** The products that the simulator stands in for; the dialects have the same names. */
const SOURCES = ['bandwidth', 'brtc'];
const { PORT = '3000', SIMULATOR_PORT = '3001', PATH, HOME } = process.env;

const WEBHOOK_TYPES = ['participant.connected', 'participant.gone', 'tag.occupied', 'tag.vacated'];

const { source, webhooks } = chosenOptions();
install();
build();
const { parseEscaped } = await import('../dist/observability/log-escaping.js');
const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-demo-'));
const children = [];
let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop(0));
// However this process ends, for example because its output pipe is closed, its children must not keep running.
process.once('exit', () => {
  for (const child of children) child.kill('SIGTERM');
  rmSync(dataDir, { recursive: true, force: true });
});

const env = { PORT, DATA_DIR: dataDir, SHUTDOWN_DELAY_MS: '0', SOURCES: source };
const service = await start('dist/main.js', [], webhooks ? { ...env, ...(await receiveWebhooks()) } : env);
const callback = `${service}/callbacks/${source}`;
const simulator = await start('simulator/dist/main.js', [
  ...['--port', SIMULATOR_PORT, '--product', source, '--callback', callback],
  ...['--scenario', 'meeting', '--participants', '20', '--seconds', '60'],
]);
console.log(`
  Console               ${service}/
  Who is connected      ${service}/v1/participants
  How many              ${service}/v1/occupancy
  Who was connected     ${service}/v1/connections
  API reference         ${service}/docs
  Provider simulator    ${simulator}/

A meeting of twenty participants runs repeatedly; Ctrl-C stops it. ${webhooks ? 'Webhooks' : 'Changes'}:
`);
if (!webhooks) await follow();

/** Exits if the command line is not valid. */
function chosenOptions() {
  try {
    const { values } = parseArgs({
      options: { source: { type: 'string', default: 'bandwidth' }, webhooks: { type: 'boolean', default: false } },
    });
    if (SOURCES.includes(values.source)) return values;
    throw new Error(`--source must be one of ${SOURCES.join(', ')}.`);
  } catch (error) {
    console.error(`${error.message} Example: npm run demo -- --source brtc`);
    process.exit(1);
  }
}

/** Starts a receiver, and resolves with the settings of a service that sends to it. */
async function receiveWebhooks() {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const url = await start('scripts/webhook-sink.mjs', ['--port', '0', '--secret', secret], {}, showWebhook);
  const file = join(dataDir, 'endpoints.json');
  writeFileSync(file, JSON.stringify([{ name: 'demo', url, secret, types: WEBHOOK_TYPES }]));
  return { WEBHOOK_ENDPOINTS_FILE: file, WEBHOOK_ALLOW_HTTP: 'on', WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1' };
}

/** Starts a program and resolves with its URL once it listens. If the program exits, the demo fails. `onLine` gets what it prints. */
function start(file, args, env = {}, onLine = () => {}) {
  if (isStopping) return new Promise(() => {});
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  createInterface(child.stdout).on('line', onLine);
  let output = '';
  child.once('exit', () => {
    if (isStopping) return;
    console.error(output);
    void stop(1);
  });
  return new Promise((resolve) => {
    child.stdout.on('data', (text) => {
      output = `${output}${text}`.slice(-10_000);
      const [, url] = LISTENS.exec(output) ?? [];
      if (url) resolve(url);
    });
  });
}

async function follow() {
  let { position } = await getJson(`${service}/v1/participants?limit=1`);
  while (!isStopping) {
    const page = await getJson(`${service}/v1/changes?after=${position}&wait=30`).catch(() => undefined);
    // The service is stopping, or has reached a limit.
    if (!page) await wait(1_000);
    else position = page.position;
    for (const change of page?.items ?? []) show(change);
  }
}

function show({ type, participantId, tag = '', state, previousState, cause, receivedAt }) {
  if (!type.startsWith('participant.') || state === previousState) return;
  const why = cause ? ` (${cause})` : '';
  const time = new Date(receivedAt).toLocaleTimeString();
  console.log(`  ${time}  ${tag.padEnd(8)} ${participantId.slice(0, 8)}  ${previousState ?? 'new'} → ${state}${why}`);
}

/** `line`: as the receiver prints a webhook. */
function showWebhook(line) {
  const [, verdict, id, body] = /^(genuine|NOT GENUINE) (\S+) (.*)$/.exec(line) ?? [];
  if (verdict === 'NOT GENUINE') console.log(`  a webhook that is ${verdict}`);
  if (verdict !== 'genuine') return;
  const { type, timestamp, data } = parseEscaped(body);
  const { tag = '', participantId = '' } = data;
  const time = new Date(timestamp).toLocaleTimeString();
  console.log(
    `  ${time}  ${type.padEnd(21)}  ${tag.padEnd(8)} ${participantId.slice(0, 8).padEnd(8)}  ${id}  ${verdict}`,
  );
}

async function getJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  // Escaped, since any program on this machine may have chosen the tags and ids that are printed.
  return parseEscaped(await response.text());
}

async function stop(code) {
  if (isStopping) return;
  isStopping = true;
  const running = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  for (const child of running) child.kill('SIGTERM');
  await Promise.all(running.map((child) => once(child, 'exit')));
  process.exit(code);
}
