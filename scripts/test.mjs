// npm test: installs and builds what is missing, sees to a redis-server and a browser, and runs every test. Arguments go to Jest.
import { build, install, run } from './prepare.mjs';
import { ensureProgram } from './program.mjs';
import { ensureRedisServer } from './redis-server.mjs';

install();
ensureRedisServer();
ensureProgram(['chromium', 'chromium-browser', 'google-chrome'], 'chromium');
build();
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
run(process.execPath, [...flags, 'node_modules/jest/bin/jest.js', ...process.argv.slice(2)]);
