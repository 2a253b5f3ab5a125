import { describe, expect, it } from '@jest/globals';
import { withStore } from '../../src/config/store-argument.js';

const environment = {
  GRACE_MS: '5000',
  REDIS_URL_FILE: '/run/secrets/redis',
  REDIS_PASSWORD: 'secret',
  REDIS_PREFIX: 'rollcall',
  DATA_DIR: '/data',
  WORKERS: '3',
};

describe('the store that an argument names', () => {
  it('is that of the settings without an argument', () => {
    expect(withStore(environment, {})).toEqual(environment);
  });

  it('replaces the URL, also one from a file, the prefix and the number of shards, and nothing else', () => {
    const { REDIS_URL_FILE: _replaced, ...others } = environment;
    const url = 'redis+cluster://10.0.0.5';
    const given = { REDIS_URL: url, REDIS_PREFIX: 'moved', REDIS_SHARDS: '16' };
    expect(withStore(environment, { url, prefix: 'moved', shards: '16' })).toEqual({ ...others, ...given });
    expect(withStore(environment, { shards: '16' })).toEqual({ ...environment, REDIS_SHARDS: '16' });
  });

  it('may be a folder of SQLite, without any setting that only Redis has', () => {
    expect(withStore(environment, { url: 'sqlite:/copy' })).toEqual({ GRACE_MS: '5000', DATA_DIR: '/copy' });
  });
});
