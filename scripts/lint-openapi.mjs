// node scripts/lint-openapi.mjs <file>: holds an OpenAPI document to the recommended rules of Redocly and of Spectral, and
// fails on a warning, too.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import spectral from '@stoplight/spectral-core';
import { oas } from '@stoplight/spectral-rulesets';

const ROOT = join(import.meta.dirname, '..');
const [file = 'openapi.json'] = process.argv.slice(2);

const redocly = spawnSync(
  process.execPath,
  [
    fileURLToPath(import.meta.resolve('@redocly/cli/bin/cli.js')),
    'lint',
    file,
    '--config',
    join(ROOT, 'redocly.yaml'),
    '--format',
    'stylish',
  ],
  // It would look for a newer version of itself.
  { stdio: 'inherit', env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } },
);

const linter = new spectral.Spectral();
linter.setRuleset({ extends: [oas] });
const faults = await linter.run(JSON.parse(readFileSync(file, 'utf8')));
for (const { code, message, path } of faults) console.error(`${path.join('.')}: ${message} (${code})`);
console.log(`Spectral found ${faults.length} faults.`);
process.exitCode = redocly.status === 0 && faults.length === 0 ? 0 : 1;
