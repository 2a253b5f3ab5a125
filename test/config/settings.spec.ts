import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { renderEnvExample } from '../../scripts/env-example.mjs';
import { ConfigError, readConfig } from '../../src/config/config.js';
import { SETTINGS } from '../../src/config/settings.js';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

describe('settings', () => {
  it('have defaults that are the documented ones', () => {
    expect(readConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 3_000,
      redisUrl: undefined,
      dataDir: './data',
      policy: {
        graceMs: 15_000,
        leaveGraceMs: 0,
        overlapMs: 60_000,
        maxConnectionMs: 32_400_000,
        retentionMs: 604_800_000,
      },
    });
  });

  it('are taken from the environment, an empty one being none', () => {
    const config = readConfig({ PORT: '8080', REDIS_URL: 'rediss://:secret@redis.example:6380/2', GRACE_MS: ' ' });
    expect(config).toMatchObject({
      port: 8_080,
      redisUrl: 'rediss://:secret@redis.example:6380/2',
      policy: { graceMs: 15_000 },
    });
  });

  it.each([
    [{ PORT: '80a' }, 'PORT must be a whole number from 0 to 65535'],
    [{ PORT: '65536' }, 'PORT must be'],
    [{ GRACE_MS: '1.5' }, 'GRACE_MS must be'],
    [{ GRACE_MS: '15s' }, 'GRACE_MS must be'],
    [{ REDIS_URL: 'localhost:6379' }, 'REDIS_URL must be'],
    [{ REDIS_PREFIX: '{a}' }, 'REDIS_PREFIX must be'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be'],
    [{ RETENTION_MS: '60000' }, 'RETENTION_MS must be at least MAX_CONNECTION_MS'],
  ])('refuse %p', (environment, problem) => {
    expect(() => readConfig(environment)).toThrow(ConfigError);
    expect(() => readConfig(environment)).toThrow(problem);
    expect(() => readConfig(environment)).not.toThrow(Object.values(environment)[0] ?? '');
  });

  it('are all in .env.example and in the README, with their purposes and defaults', () => {
    expect(read('.env.example')).toBe(renderEnvExample(SETTINGS));
    const readme = read('README.md');
    for (const { name, purpose, fallback } of Object.values(SETTINGS)) {
      expect(readme).toContain(`| \`${name}\` | ${fallback && `\`${fallback}\` `}| ${purpose} |`);
    }
  });
});
