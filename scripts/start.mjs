// npm start: installs and builds what is missing, then is the service itself, so that signals reach it.
import { existsSync } from 'node:fs';
import { build, install } from './prepare.mjs';

install();
build();
if (existsSync('.env')) process.loadEnvFile();
process.setSourceMapsEnabled(true);
await import('../dist/main.js');
