// npm run build: compiles src/ to dist/ and simulator/ to simulator/dist/, and notes from what, so that
// they are built again only when that has changed.
import { compile } from './prepare.mjs';

compile();
