// Whether the suites of this folder run on Valkey, too: only where valkey-server is installed.
import { expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { findOnPath } from '../../scripts/program.mjs';
import { storesUnderTest } from './stores.js';

const ifInstalled = findOnPath('valkey-server') ? it : it.skip;

ifInstalled('the stores under test are also on Valkey (skipped where valkey-server is not on the PATH)', async () => {
  expect(storesUnderTest().map(([name]) => name)).toEqual(expect.arrayContaining(['Valkey', 'Valkey Cluster']));
  const { valkeySingle } = JSON.parse(String(process.env.SHARED_REDIS)) as { valkeySingle: { url: string } };
  const redis = new Redis(valkeySingle.url, { protocol: 2 });
  expect(await redis.info('server')).toMatch(/^(server_name:valkey|valkey_version:)/m);
  redis.disconnect();
});
