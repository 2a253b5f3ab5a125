// node scripts/lint-openapi.mjs <file>: checks an OpenAPI document against the recommended rules of Redocly and Spectral. Fails
// on warnings, too.
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
  // By default Redocly sends telemetry and checks for updates.
  { stdio: 'inherit', env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } },
);

const linter = new spectral.Spectral();
linter.setRuleset({ extends: [oas] });
const faults = await linter.run(JSON.parse(readFileSync(file, 'utf8')));
for (const { code, message, path } of faults) console.error(`${path.join('.')}: ${message} (${code})`);
console.log(`Spectral found ${faults.length} problems.`);
process.exitCode = redocly.status === 0 && faults.length === 0 ? 0 : 1;
