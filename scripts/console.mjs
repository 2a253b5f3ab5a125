// A part of the build. Bundles console/ into dist/console/app/: a page, a script, a style sheet and an icon, whose names contain a hash
// of their content, so that browsers may keep them.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const SOURCE = fileURLToPath(new URL('../console/', import.meta.url));
const TARGET = fileURLToPath(new URL('../dist/console/app/', import.meta.url));

const { outputFiles } = await build({
  entryPoints: { app: join(SOURCE, 'main.tsx') },
  outdir: TARGET,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
  tsconfig: join(SOURCE, 'tsconfig.json'),
  legalComments: 'none',
  write: false,
  logLevel: 'warning',
});
rmSync(TARGET, { recursive: true, force: true });
mkdirSync(TARGET, { recursive: true });
const textOf = (extension) => outputFiles.find(({ path }) => path.endsWith(extension)).text;
const names = {
  '{script}': writeAsset('app', '.js', textOf('.js')),
  '{style}': writeAsset('app', '.css', textOf('.css')),
  '{icon}': writeAsset('icon', '.svg', readFileSync(join(SOURCE, 'icon.svg'), 'utf8')),
};
const page = readFileSync(join(SOURCE, 'index.html'), 'utf8');
writeFileSync(
  join(TARGET, 'index.html'),
  page.replace(/\{\w+\}/g, (name) => names[name]),
);

function writeAsset(stem, extension, text) {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const path = join(TARGET, `${stem}-${hash}${extension}`);
  writeFileSync(path, text);
  writeFileSync(`${path}.br`, brotliCompressSync(text));
  writeFileSync(`${path}.gz`, gzipSync(text, { level: 9 }));
  return `/console/${stem}-${hash}${extension}`;
}
