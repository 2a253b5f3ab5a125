// npm run build: compiles src/ to dist/, simulator/ to simulator/dist/ and console/ to dist/console/app/, bundles the programs in
// dist/, and records a hash of the inputs, so that other commands rebuild only after changes.
import { compile } from './prepare.mjs';

compile();
