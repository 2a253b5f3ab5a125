// npm run env-example: writes .env.example from the settings. A test fails if they differ.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Renders all settings with their defaults, commented out. */
export function renderEnvExample(settings) {
  const lines = Object.values(settings).map(({ name, purpose, fallback }) => `# ${purpose}\n# ${name}=${fallback}\n`);
  return `# All settings with their defaults. Copy this file to .env and uncomment the settings that you change.\n\n${lines.join('\n')}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { SETTINGS, SOURCE_SETTINGS } = await import('../dist/config/settings.js');
  writeFileSync('.env.example', renderEnvExample({ ...SETTINGS, ...SOURCE_SETTINGS }));
}
