// npm test: installs and builds what is missing, sees to a redis-server and a browser, and runs every test. Arguments go to Jest.

import { ensureInstalled } from './debian.mjs';
import { build, install, run } from './prepare.mjs';

install();
ensureInstalled('redis-server');
ensureInstalled('chromium');
build();
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
run(process.execPath, [...flags, 'node_modules/jest/bin/jest.js', ...process.argv.slice(2)]);
