// Writes dist/openapi.json, a part of the build: the document of all routes but those of callbacks, which depend on SOURCES.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createApp } from '../dist/app.js';
import { readConfig } from '../dist/config/config.js';
import { createDocument } from '../dist/http/openapi/document.js';
import { systemClock } from '../dist/runtime/clock.js';
import { DIALECTS } from '../dist/sources/registry.js';
import { openStorage } from '../dist/storage/open-storage.js';

const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-openapi-'));
const log = pino({ level: 'silent' });
const config = readConfig(Object.keys(DIALECTS), {});
const storage = await openStorage({ ...config.storePlace, redis: undefined, dataDir }, systemClock, log);
const app = await createApp({ ...config, storage, clock: systemClock, log });
const models = Object.values(DIALECTS).map(({ payload }) => payload);
const document = await createDocument(app, app.getHttpAdapter().getInstance().declaredOptions, models);
writeFileSync(new URL('../dist/openapi.json', import.meta.url), JSON.stringify(document));
await app.close();
rmSync(dataDir, { recursive: true });
