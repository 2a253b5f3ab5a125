import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { renderConfiguration, renderEnvExample, settingRow } from '../../scripts/env-example.mjs';
import { ConfigError, readConfig } from '../../src/config/config.js';
import { SETTINGS, SOURCE_SETTINGS } from '../../src/config/settings.js';
import type { SourceName } from '../../src/domain/subject.js';
import { DIALECTS, SourceRegistry } from '../../src/sources/registry.js';
import { formDialect } from '../sources/form-source.js';

const DIGEST = 'a'.repeat(64);
const KEYS = { API_KEYS: `ops:read+admin:${DIGEST}`, CALLBACK_SECRETS: 's'.repeat(32) };

const SIGNED = { SOURCES: 'livekit', SOURCE_LIVEKIT_API_KEYS: 'key:secret' };

const SHORT = { RETENTION_MS: '50000', MAX_CONNECTION_MS: '50000' };

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

describe('settings', () => {
  it('have the documented defaults', () => {
    expect(readConfig(DIALECTS, {})).toMatchObject({
      host: '127.0.0.1',
      port: 3_000,
      workers: 1,
      storePlace: { redis: undefined, dataDir: './data' },
      access: { isRequired: true, apiKeys: [], callbackSecrets: [], publicUrl: undefined },
      http: {
        trustProxy: [],
        corsOrigins: [],
        maxConnections: 10_000,
        maxInFlight: 2_000,
        rateLimitPerMinute: 6_000,
        callbacksPerMinutePerUrl: 600,
      },
      feed: { maxBytes: 268_435_456 },
      policy: {
        graceMs: 15_000,
        leaveGraceMs: 0,
        overlapMs: 60_000,
        maxConnectionMs: 32_400_000,
        retentionMs: 604_800_000,
      },
    });
  });

  it('say which limits apply per process', () => {
    const perProcess = ['MAX_CONNECTIONS', 'MAX_IN_FLIGHT', 'MAX_STREAMS', 'RATE_LIMIT_PER_MINUTE', 'SPOOL_MAX_BYTES'];
    const all = Object.values(SETTINGS);
    const said = all.filter(({ purpose }) => purpose.includes('per process')).map(({ name }) => name);
    expect(said.toSorted()).toEqual(
      [...perProcess, 'CALLBACKS_PER_MINUTE_PER_URL', 'NEW_PARTICIPANTS_PER_MINUTE'].toSorted(),
    );
    for (const name of said) expect(read('docs/security.md')).toMatch(new RegExp(`\\| \`${name}\`.* per process \\|`));
  });

  it('are read from the environment', () => {
    const REDIS_URL = 'rediss://app:s%40cret@redis.example:6380/2';
    const servers = [{ host: 'redis.example', port: 6_380 }];
    const redis = { servers, database: 2, isTls: true, username: 'app', password: 's@cret' };
    expect(readConfig(DIALECTS, { PORT: ' 8080 ', WORKERS: '64', REDIS_URL })).toMatchObject({
      port: 8_080,
      workers: 64,
      storePlace: { redis },
    });
  });

  it('name the Rollcall that callbacks are forwarded to', () => {
    const settings = { FORWARD_TO: 'https://new.example.com/', FORWARD_API_KEY: 'key' };
    const forward = { url: 'https://new.example.com', apiKey: 'key', dataDir: './data', maxBytes: 67_108_864 };
    expect(readConfig(DIALECTS, settings).forward).toEqual(forward);
    expect(readConfig(DIALECTS, {}).forward).toBeUndefined();
  });

  it('keep history in SQLite only where one process can be sure to be the only one', () => {
    const placeOf = (environment: Record<string, string>) => readConfig(DIALECTS, environment).history.place;
    const databaseUrl = 'postgres://rollcall:secret@db/rollcall';
    expect(placeOf({})).toEqual({ dataDir: './data' });
    expect(placeOf({ REDIS_URL: 'redis://host' })).toBeUndefined();
    expect(placeOf({ REDIS_URL: 'redis://host', DATABASE_URL: databaseUrl })).toEqual({ databaseUrl });
    expect(placeOf({ DATABASE_URL: databaseUrl })).toEqual({ databaseUrl });
    expect(placeOf({ HISTORY: 'off', DATABASE_URL: databaseUrl })).toBeUndefined();
  });

  it('accept an empty value only where empty is meaningful, such as an empty list', () => {
    const lists =
      'API_KEYS CALLBACK_SECRETS PUBLIC_URL TRUST_PROXY CORS_ORIGINS UNSAFE_REDIS METRICS_PORT METRICS_TAGS INDEXED_LABELS WEBHOOK_ALLOWED_NETWORKS'.split(
        ' ',
      );
    for (const { name } of Object.values(SETTINGS)) {
      const read = () => readConfig(DIALECTS, { [name]: ' ' });
      if (lists.includes(name)) expect(read()).toEqual(readConfig(DIALECTS, {}));
      else expect(read).toThrow(`${name} must not be empty: unset it`);
    }
  });

  it.each([
    [{ PORT: '80a' }, 'PORT must be a whole number from 0 to 65535'],
    [{ PORT: '65536' }, 'PORT must be'],
    [{ WORKERS: '0' }, 'WORKERS must be a whole number from 1 to 64'],
    [{ WORKERS: '65' }, 'WORKERS must be'],
    [{ WORKERS: '2' }, 'WORKERS above 1 needs REDIS_URL'],
    [{ GRACE_MS: '1.5' }, 'GRACE_MS must be'],
    [{ GRACE_MS: '15s' }, 'GRACE_MS must be'],
    [{ REDIS_URL: 'localhost:6379' }, 'REDIS_URL must be a URL like redis://host:6379'],
    [{ REDIS_URL: 'redis://host/abc' }, 'REDIS_URL must end after the port, or with the number of a database'],
    [{ REDIS_URL: 'redis://host/1.5' }, 'REDIS_URL must end'],
    [{ REDIS_URL: 'redis://host/-1' }, 'REDIS_URL must end'],
    [{ REDIS_URL: 'redis://host/0/1' }, 'REDIS_URL must end'],
    [{ REDIS_URL: 'redis://:ab%zz@host' }, 'REDIS_URL must have percent-encoded credentials'],
    [{ REDIS_URL: 'redis://%zz:ab@host' }, 'REDIS_URL must have percent-encoded credentials'],
    [{ REDIS_URL: 'redis://:%ff@host' }, 'REDIS_URL must have percent-encoded credentials'],
    [{ DATABASE_URL: 'mysql://host/db' }, 'DATABASE_URL must be a URL like postgres://'],
    [{ DATABASE_URL: 'postgres://host' }, 'DATABASE_URL must be a URL like postgres://'],
    [{ HISTORY: 'yes' }, 'HISTORY must be on or off'],
    [{ HISTORY_RETENTION_MS: '59999' }, 'HISTORY_RETENTION_MS must be a whole number from 60000'],
    [{ REDIS_URL: 'redis://host?db=2' }, 'REDIS_URL must not have a query or a fragment'],
    [{ REDIS_URL: 'redis://host?' }, 'REDIS_URL must not have a query or a fragment'],
    [{ REDIS_URL: 'redis://u:1#2@host' }, 'REDIS_URL must not have a query or a fragment'],
    [{ REDIS_URL: 'redis://host:0' }, 'REDIS_URL must not have port 0'],
    [{ REDIS_URL: 'redis://host:65536' }, 'REDIS_URL must be a URL'],
    [{ REDIS_URL: 'redis://' }, 'REDIS_URL must have a host'],
    [{ REDIS_URL: 'redis:host' }, 'REDIS_URL must be a URL'],
    [{ REDIS_URL: 'redis://ho%20st' }, 'REDIS_URL must have a host'],
    [{ REDIS_URL: 'redis://ho\tst' }, 'REDIS_URL must be a URL'],
    [{ REDIS_URL: '/tmp/redis.sock' }, 'REDIS_URL must be a URL'],
    [{ HOST: '127.0.0.1:3000' }, 'HOST must be'],
    [{ HOST: '[::1]' }, 'HOST must be'],
    [{ HOST: '127.0.0.999' }, 'HOST must be'],
    [{ REDIS_PREFIX: '{a}' }, 'REDIS_PREFIX must be'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be'],
    [{ AUTH: 'no' }, 'AUTH must be on or off'],
    [{ API_KEYS: 'ops:read:abc' }, 'API_KEYS must be'],
    [{ API_KEYS: `ops:write:${DIGEST}` }, 'API_KEYS must be'],
    [{ API_KEYS: `ops:read:${DIGEST},ops:admin:${DIGEST}` }, 'API_KEYS must not contain a name twice'],
    [{ API_KEYS: `a:read:${DIGEST},b:admin:${DIGEST}` }, 'API_KEYS must not contain a key twice'],
    [
      { CALLBACK_SECRETS: [KEYS.CALLBACK_SECRETS, KEYS.CALLBACK_SECRETS].join() },
      'CALLBACK_SECRETS must not contain a secret',
    ],
    [{ CALLBACK_SECRETS: 'x'.repeat(31) }, 'CALLBACK_SECRETS must be'],
    [{ CALLBACK_SECRETS: `${'x'.repeat(32)},` }, 'CALLBACK_SECRETS must be'],
    [{ CALLBACK_SECRETS: `${'x'.repeat(32)}/` }, 'CALLBACK_SECRETS must be'],
    [{ PUBLIC_URL: 'calls.test' }, 'PUBLIC_URL must be'],
    [{ PUBLIC_URL: 'https://me:pass@rollcall.example.com' }, 'PUBLIC_URL must be'],
    [{ PUBLIC_URL: 'https://rollcall.example.com/?' }, 'PUBLIC_URL must be'],
    [{ PUBLIC_URL: 'https://rollcall.example.com/#' }, 'PUBLIC_URL must be'],
    [{ PUBLIC_URL: 'https:\\\\rollcall.example.com' }, 'PUBLIC_URL must be'],
    [{ PUBLIC_URL: 'https://rollcall.exa\tmple.com' }, 'PUBLIC_URL must be'],
    [{ TRUST_PROXY: '2' }, 'TRUST_PROXY must be'],
    [{ TRUST_PROXY: 'true' }, 'TRUST_PROXY must be'],
    [{ TRUST_PROXY: '10.0.0.0/33' }, 'TRUST_PROXY must be'],
    [{ TRUST_PROXY: '0.0.0.0/0' }, 'TRUST_PROXY must be'],
    [{ TRUST_PROXY: 'fe80::1%eth0' }, 'TRUST_PROXY must be'],
    [{ INDEXED_LABELS: 'Call' }, 'INDEXED_LABELS must be'],
    [{ INDEXED_LABELS: 'call,' }, 'INDEXED_LABELS must be'],
    [{ INDEXED_LABELS: 'a,b,c,d,e,f,g,h,i' }, 'INDEXED_LABELS must be'],
    [{ CORS_ORIGINS: '*' }, 'CORS_ORIGINS must be'],
    [{ CORS_ORIGINS: 'https://app.example.com/' }, 'CORS_ORIGINS must be'],
    [{ RETENTION_MS: '60000' }, 'RETENTION_MS must be at least MAX_CONNECTION_MS'],
    [{ LEAVE_GRACE_MS: '3600000', ...SHORT }, 'RETENTION_MS must be at least LEAVE_GRACE_MS'],
    [{ GRACE_MS: '3600000', ...SHORT }, 'RETENTION_MS must be at least GRACE_MS'],
    [
      { SOURCE_BANDWIDTH_MAX_CONNECTION_MS: '60000', ...SHORT },
      'RETENTION_MS must be at least the longest connection of the source bandwidth',
    ],
    [
      { SOURCE_BANDWIDTH_GRACE_MS: '60000', ...SHORT },
      'RETENTION_MS must be at least the grace period of the source bandwidth',
    ],
    [{ SOURCE_BANDWIDTH_OVERLAP_MS: '-1' }, 'SOURCE_BANDWIDTH_OVERLAP_MS must be a whole number'],
    [{ SOURCE_BANDWIDTH_DEVICES_AT_ONCE: '1' }, 'SOURCE_BANDWIDTH_DEVICES_AT_ONCE must be one or many'],
    [{ MAX_CONNECTIONS: '1000' }, 'MAX_STREAMS must be less than MAX_CONNECTIONS'],
    [{ FORWARD_TO: 'https://me:pass@new.example.com' }, 'FORWARD_TO must be a URL like'],
    [{ FORWARD_TO: 'https://new.example.com', SPOOL_MAX_BYTES: '0' }, 'FORWARD_TO needs SPOOL_MAX_BYTES above 0'],
    [{ FORWARD_API_KEY: 'a-secret-key' }, 'FORWARD_API_KEY needs FORWARD_TO'],
  ])('reject %p', (environment, problem) => {
    expect(() => readConfig(DIALECTS, environment)).toThrow(ConfigError);
    expect(() => readConfig(DIALECTS, environment)).toThrow(problem);
    expect(() => readConfig(DIALECTS, environment)).not.toThrow(Object.values(environment)[0] ?? '');
  });

  it.each<[Record<string, string>, string | undefined]>([
    [{ HOST: '0.0.0.0' }, 'set API_KEYS and CALLBACK_SECRETS, or AUTH=off'],
    [{ HOST: '::' }, 'set API_KEYS and CALLBACK_SECRETS, or AUTH=off'],
    [{ HOST: '127.evil.example' }, 'set API_KEYS and CALLBACK_SECRETS, or AUTH=off'],
    [{ HOST: '0.0.0.0', API_KEYS: KEYS.API_KEYS }, 'set CALLBACK_SECRETS, or AUTH=off'],
    [{ HOST: '0.0.0.0', CALLBACK_SECRETS: KEYS.CALLBACK_SECRETS }, 'set API_KEYS, or AUTH=off'],
    [{ HOST: '0.0.0.0', ...SIGNED }, 'set API_KEYS, or AUTH=off'],
    [{ HOST: '0.0.0.0', ...SIGNED, API_KEYS: KEYS.API_KEYS }, undefined],
    [
      { HOST: '0.0.0.0', ...SIGNED, SOURCES: 'livekit,bandwidth', API_KEYS: KEYS.API_KEYS },
      'set CALLBACK_SECRETS, or AUTH=off',
    ],
    [{ HOST: '0.0.0.0', ...KEYS }, undefined],
    [{ HOST: '0.0.0.0', AUTH: 'off' }, undefined],
    [{ HOST: '127.0.0.2' }, undefined],
    [{ HOST: '::1' }, undefined],
    [{ HOST: 'localhost' }, undefined],
  ])('require credentials unless HOST is a loopback address: %p', (environment, problem) => {
    if (problem)
      expect(() => readConfig(DIALECTS, environment)).toThrow(
        `HOST is not a loopback address, so other machines may reach the service: ${problem}`,
      );
    else expect(readConfig(DIALECTS, environment).host).toBe(environment.HOST);
  });

  it('of a source override those of all sources', () => {
    const environment = {
      SOURCES: 'eu-west=bandwidth,us=bandwidth',
      SOURCE_EU_WEST_DEVICES_AT_ONCE: 'one',
      SOURCE_US_OVERLAP_MS: '5000',
      SOURCE_US_GRACE_MS: '0',
      SOURCE_US_MAX_CONNECTION_MS: '86400000',
      SOURCE_US_SOCKETS_PER_DEVICE: 'one',
    };
    const { sources, policy, warnings } = readConfig(DIALECTS, environment);
    expect(warnings).toEqual([]);
    const registry = new SourceRegistry(sources, DIALECTS, policy);
    const of = (name: string) => registry.policyOf(name as SourceName);
    expect(of('eu-west')).toEqual({ ...policy, devicesAtOnce: 'one' });
    const own = { overlapMs: 5_000, graceMs: 0, maxConnectionMs: 86_400_000, socketsPerDevice: 'one' };
    expect(of('us')).toEqual({ ...policy, ...own });
    expect(of('removed')).toEqual(policy);
  });

  describe('of a dialect', () => {
    const dialects = { ...DIALECTS, form: formDialect };
    const environment = {
      SOURCES: 'forms-eu=form',
      PUBLIC_URL: 'https://rollcall.example.com',
      SOURCE_FORMS_EU_SIGNING_KEYS: 'key_one1,key_two2',
    };
    const settingsOf = (more: NodeJS.ProcessEnv) =>
      readConfig(dialects, { ...environment, ...more }).sources[0].settings;

    it('are read for each source that speaks it', () => {
      const keys = ['key_one1', 'key_two2'];
      expect(settingsOf({})).toEqual({ keys, reasonlessEnd: 'disconnected' });
      expect(settingsOf({ SOURCE_FORMS_EU_REASONLESS_END: 'left' })).toEqual({ keys, reasonlessEnd: 'left' });
      expect(readConfig(dialects, environment).warnings).toEqual([]);
      const [first] = readConfig(dialects, {}).sources;
      const settings = { apiUrl: 'https://api.webrtc.bandwidth.com/v1' };
      expect(first).toEqual({ name: 'bandwidth', dialect: 'bandwidth', settings });
    });

    it.each([
      [{ SOURCE_FORMS_EU_SIGNING_KEYS: undefined }, 'SOURCE_FORMS_EU_SIGNING_KEYS must be set'],
      [{ SOURCE_FORMS_EU_SIGNING_KEYS: '' }, 'SOURCE_FORMS_EU_SIGNING_KEYS must be a comma-separated list of keys'],
      [{ SOURCE_FORMS_EU_REASONLESS_END: 'lost' }, 'SOURCE_FORMS_EU_REASONLESS_END must be disconnected or left'],
      [{ PUBLIC_URL: undefined }, 'PUBLIC_URL must be set, because the signatures of the source forms-eu cover it'],
    ])('prevent the start: %p', (more, problem) => {
      expect(() => settingsOf(more)).toThrow(problem);
    });
  });

  it('are read from the file that NAME_FILE names', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-settings-'));
    const file = join(folder, 'secret');
    writeFileSync(file, `${KEYS.CALLBACK_SECRETS}\n`);
    const { access, warnings } = readConfig(DIALECTS, { CALLBACK_SECRETS_FILE: file });
    expect(access.callbackSecrets).toEqual([KEYS.CALLBACK_SECRETS]);
    expect(warnings).toEqual([]);
    rmSync(folder, { recursive: true });
    const missing = 'CALLBACK_SECRETS cannot be read from the file in CALLBACK_SECRETS_FILE: ENOENT';
    expect(() => readConfig(DIALECTS, { CALLBACK_SECRETS_FILE: file })).toThrow(missing);
    const both = { ...KEYS, CALLBACK_SECRETS_FILE: file };
    expect(() => readConfig(DIALECTS, both)).toThrow('CALLBACK_SECRETS and CALLBACK_SECRETS_FILE must not both be set');
  });

  it('must fit the policy of the dialect', () => {
    const dialects = { long: { ...formDialect, settings: {}, policy: { maxConnectionMs: 8 * 86_400_000 } } };
    const problem = 'RETENTION_MS must be at least the longest connection of the source long';
    const environment = { SOURCES: 'long', PUBLIC_URL: 'https://rollcall.example.com' };
    expect(() => readConfig(dialects, environment)).toThrow(problem);
  });

  it('are all documented in .env.example and docs/configuration.md, with purpose and default', () => {
    const all = { ...SETTINGS, ...SOURCE_SETTINGS };
    expect(read('.env.example')).toBe(renderEnvExample(all));
    expect(read('docs/configuration.md')).toBe(renderConfiguration(all));
    const ofSources = read('docs/sources.md');
    for (const { name, purpose } of Object.values(SOURCE_SETTINGS)) {
      expect(ofSources).toContain(`| \`${name}\` | ${purpose} |`);
    }
  });

  it('are described in the README, if they are there, as in docs/configuration.md', () => {
    const rows = read('README.md').match(/^\| `[A-Z_]+` \| .*$/gm) ?? [];
    expect(rows.length).toBeGreaterThan(5);
    const all = Object.values(SETTINGS).map(settingRow);
    for (const row of rows) expect(all).toContain(row);
  });
});
