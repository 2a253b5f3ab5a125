// The entry point. The service is loaded only after the signal handlers are set and the version of Node.js is checked.
import { setImmediate } from 'node:timers/promises';
import { exitWithFatal } from './runtime/exit-with-fatal.js';
import { nodeVersionProblem } from './runtime/node-version.mjs';
import { startFailure } from './runtime/start-failure.js';
import './runtime/stop-requests.js';

const problem = nodeVersionProblem(process.versions.node);
if (problem) exitWithFatal(problem);
// Also called for unhandled rejections.
process.on('uncaughtException', (error: unknown) => {
  if (error instanceof Error) exitWithFatal(`Rollcall has failed: ${error.message}`, error);
  exitWithFatal(`Rollcall has failed: ${String(error)}`);
});
// Signals are delivered by the event loop, which Node 24 does not run while it loads modules.
await setImmediate();
try {
  const { start } = await import('./start.js');
  await start(import.meta.filename);
} catch (error) {
  exitWithFatal(startFailure(error));
}
