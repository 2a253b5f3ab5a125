// A part of the build. Bundles the programs in dist/ with the packages that they use: to load some files takes half as long as
// to load over a thousand. Other modules stay in dist/ as compiled, for what imports only parts of the service.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const PROGRAMS = ['main', 'backup', 'export', 'import'];
/** Loaded from node_modules: has a native library, is loaded only by some settings, is optional and not installed. */
const EXTERNAL = ['libsql', '@opentelemetry/*', 'class-transformer/storage', 'supports-color'];

/**
 * Packages that are imported only when they are needed are loaded from node_modules, too: esbuild would leave a CommonJS package
 * only its default export. Nest imports some in this way that are not installed.
 */
const importedLater = {
  name: 'imported-later',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ kind }) => (kind === 'dynamic-import' ? { external: true } : undefined));
  },
};

/** Modules find their files relative to where they were compiled to, not to the bundle. */
const ownPlaces = {
  name: 'own-places',
  setup({ onLoad }) {
    onLoad({ filter: /\.m?js$/ }, ({ path }) => {
      if (!path.startsWith(DIST)) return undefined;
      const place = JSON.stringify(`./${relative(DIST, path)}`);
      const contents = readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        `new URL(${place}, import.meta.url).href`,
      );
      return { contents, resolveDir: dirname(path) };
    });
  },
};

/**
 * Classes that esbuild has renamed get their names back: Nest and the logs use them. It would do so for each function too, also
 * for those that are made for each request, which would take some microseconds of it.
 */
const NAME_ALL = 'var __name = (target, value) => __defProp(';
const NAME_CLASSES =
  'var __name = (target, value) => target.name === value || target.prototype === undefined ? target : __defProp(';

const { outputFiles } = await build({
  entryPoints: PROGRAMS.map((name) => join(DIST, `${name}.js`)),
  outdir: DIST,
  allowOverwrite: true,
  write: false,
  chunkNames: 'bundled-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: EXTERNAL,
  // CommonJS packages require modules of Node.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  keepNames: true,
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [importedLater, ownPlaces],
});

if (!outputFiles.some(({ text }) => text.includes(NAME_ALL)))
  throw new Error('esbuild names functions differently now');
for (const { path, text } of outputFiles) writeFileSync(path, text.replace(NAME_ALL, NAME_CLASSES));
