// Any value of a setting is either rejected with a one-line message that does not contain it, or works where it is used.
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fastify } from 'fastify';
import { Redis } from 'ioredis';
import { type Config, ConfigError, readConfig } from '../../src/config/config.js';
import { SETTINGS } from '../../src/config/settings.js';
import { ClientAddresses } from '../../src/http/client-address.js';
import { registerHeaders } from '../../src/http/security-headers.js';
import { render } from '../../src/observability/metrics/exposition.js';
import { Metrics } from '../../src/observability/metrics/metrics.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { lengthOf } from '../length.js';
import { codePoint } from '../unicode-text.js';

/** Must not appear in any message. */
const SECRET = 'Zq7xV9';

const piece = fc.oneof(
  fc.string({ unit: codePoint, maxLength: 8 }),
  fc.constantFrom(
    SECRET,
    '%zz',
    '%40',
    ':',
    '/',
    '@',
    '?',
    '#',
    ' ',
    '[::1]',
    '::1',
    '127.0.0.1',
    'localhost',
    '0',
    '99',
    '',
  ),
);
const some = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join(''));
const url = fc
  .tuple(fc.constantFrom('redis', 'rediss', 'http', 'https', 'HTTPS', 'REDIS'), some, some, some, some, some)
  .map(([scheme, user, password, host, port, path]) => `${scheme}://${user}:${password}@${host}:${port}/${path}`);
const plainUrl = fc
  .tuple(fc.constantFrom('redis', 'rediss', 'http', 'https'), fc.constantFrom('host', '10.0.0.1', '[fe80::1]'), some)
  .map(([scheme, host, path]) => `${scheme}://${host}${path}`);
const range = fc
  .tuple(fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), some), fc.oneof(fc.nat(200).map(String), some))
  .map(([address, bits]) => `${address}/${bits}`);
const text = fc.oneof(
  some,
  url,
  plainUrl,
  range,
  fc.ipV4(),
  fc.ipV6(),
  fc.webAuthority().map((authority) => `https://${authority}/`),
);

/** Uses each setting as the service does at startup or on first use. */
async function use({ storePlace, http, access, metricsSettings }: Config): Promise<void> {
  const { redis } = storePlace;
  if (redis) new Redis({ ...redis, lazyConnect: true }).disconnect();
  new ClientAddresses(http.trustProxy).of({ headers: {}, socket: new Socket() });
  await registerHeaders(fastify(), http.corsOrigins);
  const { tags } = metricsSettings;
  expect(tags.length === 0 ? 0 : await seriesOf(tags)).toBe(tags.length);
  if (access.publicUrl !== undefined) {
    const minted = new URL(`${access.publicUrl}/callbacks/bandwidth/token`);
    expect(minted.href).toBe(`${access.publicUrl}/callbacks/bandwidth/token`);
    expect(minted.search + minted.hash + minted.username + minted.password).toBe('');
  }
}

/** The number of series that a scrape shows for these tags. */
async function seriesOf(tags: readonly string[]): Promise<number> {
  const metrics = new Metrics();
  const gauge = metrics.gauge({ name: 'test_tags', help: 'Tags.', labels: ['tag'], aggregation: 'max' });
  metrics.collect(() => {
    for (const tag of tags) gauge.set(1, tag);
  });
  const { text } = await render(await metrics.snapshot());
  return text.split('\n').filter((line) => /^test_tags\{tag="[^\n]*"\} 1$/.test(line)).length;
}

describe('an arbitrary value', () => {
  it.each(Object.values(SETTINGS).map(({ name }) => name))(
    'of %s is rejected without being shown, or is usable',
    async (name) => {
      await fc.assert(
        fc.asyncProperty(text, async (value) => {
          try {
            await use(readConfig(DIALECTS, { [name]: value }));
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
            const { problems } = error as ConfigError;
            const isPlain = (problem: string) => /^[A-Z_]+ [\x20-\x7e’]+$/.test(problem) && !problem.includes(SECRET);
            expect(problems.filter((problem) => !isPlain(problem))).toEqual([]);
            expect(problems.some((problem) => problem.includes(name))).toBe(true);
          }
        }),
        { numRuns: lengthOf(100, 1_000) },
      );
    },
  );
});
