// The entry point. The service is loaded only after signals are handled and the version of Node.js is known to do.
import { exitWithFatal } from './runtime/exit-with-fatal.js';
import { nodeVersionProblem } from './runtime/node-version.mjs';
import { startFailure } from './runtime/start-failure.js';
import './runtime/stop-requests.js';

const problem = nodeVersionProblem(process.versions.node);
if (problem) exitWithFatal(problem);
// A rejection that nobody handles ends here, too.
process.on('uncaughtException', (error: unknown) => {
  if (error instanceof Error) exitWithFatal(`Rollcall has failed: ${error.message}`, error);
  exitWithFatal(`Rollcall has failed: ${String(error)}`);
});
try {
  const { start } = await import('./start.js');
  await start(import.meta.filename);
} catch (error) {
  exitWithFatal(startFailure(error));
}
