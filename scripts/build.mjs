// npm run build: compiles src/ to dist/, and notes from what, so that it is built again only when that has changed.
import { compile } from './prepare.mjs';

compile();
