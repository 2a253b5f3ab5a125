// The built console: one page, whose script finds out from its path what to show, and the assets of that page.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';

// Written by the build, see scripts/console.mjs.
const FOLDER = new URL('../../dist/console/app/', import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export type Encoding = 'br' | 'gzip';

export interface Asset {
  readonly contentType: string;
  readonly body: Buffer;
  /** Compressed by the build, since that takes long. */
  readonly compressed: Readonly<Partial<Record<Encoding, Buffer>>>;
}

export interface ConsoleFiles {
  readonly page: Buffer;
  readonly pageEtag: string;
  /** By name, which contains a hash of the content. */
  readonly assets: ReadonlyMap<string, Asset>;
}

export async function loadConsole(): Promise<ConsoleFiles> {
  const page = await readFile(new URL('index.html', FOLDER));
  const names = await readdir(FOLDER);
  const bodies = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, FOLDER))] as const)),
  );
  const assets = new Map<string, Asset>();
  for (const [name, body] of bodies) {
    const contentType = CONTENT_TYPES[extname(name)];
    if (contentType === undefined) continue;
    const [br, gzip] = [bodies.get(`${name}.br`), bodies.get(`${name}.gz`)];
    assets.set(name, { contentType, body, compressed: { ...(br && { br }), ...(gzip && { gzip }) } });
  }
  return { page, pageEtag: `"${createHash('sha256').update(page).digest('base64url').slice(0, 22)}"`, assets };
}
