// The API document, the page to read it and the assets of that page, loaded once: every client is sent the same bytes.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { OpenAPIObject } from '@nestjs/swagger';
import { type DocumentedRoutes, withRoutes } from './document.js';

export interface Page {
  readonly contentType: string;
  readonly etag: string;
  readonly body: Buffer;
}

// Written by the build, see scripts/openapi.mjs: to make them takes a tenth of a second, in which nothing else is answered.
const DOCUMENT_FILE = new URL('../../../dist/openapi.json', import.meta.url);
const ASSETS_FOLDER = new URL('../../../dist/docs/', import.meta.url);

/** Content types by name. */
export const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui-standalone-preset.js': 'text/javascript; charset=utf-8',
  'favicon-16x16.png': 'image/png',
  'favicon-32x32.png': 'image/png',
};

const HTML = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Rollcall API</title>
    <link rel="stylesheet" href="./docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="./docs/favicon-32x32.png" sizes="32x32">
    <link rel="icon" type="image/png" href="./docs/favicon-16x16.png" sizes="16x16">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="./docs/swagger-ui-bundle.js"></script>
    <script src="./docs/swagger-ui-standalone-preset.js"></script>
    <script src="./docs/swagger-ui-init.js"></script>
  </body>
</html>
`;

/** Without a validator, which would ask a public service whether the document is valid. */
const INIT = `window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: 'StandaloneLayout',
});
`;

/** By path. */
export async function loadPages(others: DocumentedRoutes): Promise<ReadonlyMap<string, Page>> {
  const document = withRoutes(JSON.parse(await readFile(DOCUMENT_FILE, 'utf8')) as OpenAPIObject, others);
  const html = page('text/html; charset=utf-8', HTML);
  const inFolder = page('text/html; charset=utf-8', HTML.replaceAll('./docs/', './'));
  const pages = new Map([
    ['/openapi.json', page('application/json; charset=utf-8', JSON.stringify(document))],
    ['/docs', html],
    ['/docs/', inFolder],
    ['/docs/index.html', inFolder],
    ['/docs/swagger-ui-init.js', page('text/javascript; charset=utf-8', INIT)],
  ]);
  for (const [name, contentType] of Object.entries(ASSETS)) {
    pages.set(`/docs/${name}`, page(contentType, await readFile(new URL(name, ASSETS_FOLDER))));
  }
  return pages;
}

function page(contentType: string, content: string | Buffer): Page {
  const body = Buffer.from(content);
  return { contentType, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`, body };
}
