// npm run env-example: writes .env.example and docs/configuration.md from the settings. A test fails if they differ.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Renders all settings with their defaults, commented out. */
export function renderEnvExample(settings) {
  const lines = Object.values(settings).map(({ name, purpose, fallback }) => `# ${purpose}\n# ${name}=${fallback}\n`);
  return `# All settings with their defaults. Copy this file to .env and uncomment the settings that you change.\n# NAME_FILE=path reads the value of NAME from a file.\n\n${lines.join('\n')}`;
}

/** Renders the page with the table of all settings. */
export function renderConfiguration(settings) {
  return `# Configuration

Settings are environment variables. Those that are not set are read from a \`.env\` file. \`NAME_FILE\` reads the value of \`NAME\`
from a file, for secrets that Docker or Kubernetes mounts. The service refuses to start if a
setting is invalid, or is empty although it has a default; \`REDIS_URL\` must not be empty either: unset it to use SQLite.
Variables that look like misspelt settings cause a warning.

| setting | default | purpose |
|---|---|---|
${Object.values(settings).map(settingRow).join('\n')}
`;
}

/** The row of a setting in such a table. */
export function settingRow({ name, purpose, fallback }) {
  return `| \`${name}\` | ${fallback && `\`${fallback}\` `}| ${purpose} |`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { SETTINGS, SOURCE_SETTINGS } = await import('../dist/config/settings.js');
  const settings = { ...SETTINGS, ...SOURCE_SETTINGS };
  writeFileSync('.env.example', renderEnvExample(settings));
  writeFileSync('docs/configuration.md', renderConfiguration(settings));
}
