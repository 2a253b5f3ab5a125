// npm run build: compiles src/ to dist/ and simulator/ to simulator/dist/, and records a hash of the inputs, so that other
// commands rebuild only after changes.
import { compile } from './prepare.mjs';

compile();
