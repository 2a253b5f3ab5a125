// A part of the build. Writes dist/openapi.json, the document of all routes but those of callbacks, which depend on SOURCES, and
// dist/docs/, the assets of the page that shows it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { createApp } from '../dist/app.js';
import { readConfig } from '../dist/config/config.js';
import { createDocument } from '../dist/http/openapi/document.js';
import { ASSETS } from '../dist/http/openapi/pages.js';
import { systemClock } from '../dist/runtime/clock.js';
import { DIALECTS } from '../dist/sources/registry.js';
import { openStorage } from '../dist/storage/open-storage.js';
import { SENT_WEBHOOKS } from '../dist/webhooks/api/sent-webhooks.js';

/** Matches `version:"1.2.3"`, `VERSION="1.2.3-rc"` and the like. Versions are removed, since they help attackers. */
const VERSION = /(version\w*"?\s*[:=]\s*")\d+\.\d+\.\d+[^"]*"/gi;
const OTHER_VERSIONS = /(GIT_COMMIT:"|core-js\/blob\/|normalize\.css )[\w.]+/g;

const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-openapi-'));
const log = pino({ level: 'silent' });
const config = readConfig(DIALECTS, {});
const storage = await openStorage({ ...config.storePlace, redis: undefined, dataDir }, systemClock, log);
const app = await createApp({ ...config, storage, clock: systemClock, log });
const models = Object.values(DIALECTS).map(({ payload }) => payload);
const { declaredOptions } = app.getHttpAdapter().getInstance();
const document = await createDocument(app, declaredOptions, models, SENT_WEBHOOKS);
writeFileSync(new URL('../dist/openapi.json', import.meta.url), JSON.stringify(document));
await app.close();
rmSync(dataDir, { recursive: true });

const uiFolder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const docsFolder = new URL('../dist/docs/', import.meta.url);
mkdirSync(docsFolder);
for (const [name, contentType] of Object.entries(ASSETS)) {
  const asset = readFileSync(join(uiFolder, name));
  writeFileSync(new URL(name, docsFolder), contentType.startsWith('image/') ? asset : withoutVersions(String(asset)));
}

function withoutVersions(text) {
  return text.replace(VERSION, '$1"').replace(OTHER_VERSIONS, '$1');
}
