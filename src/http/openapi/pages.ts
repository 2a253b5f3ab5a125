// The API document, the page to read it and the assets of that page, loaded once: all who ask are sent the same bytes.
import { createHash } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { loadSwagger } from './decorators.js';

export interface Page {
  readonly contentType: string;
  readonly etag: string;
  readonly body: Buffer;
}

/** What the page consists of. The package has more, like its package.json, which would tell its version. */
const ASSETS = [
  'index.html',
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'swagger-ui-standalone-preset.js',
  'swagger-ui-init.js',
  'favicon-16x16.png',
  'favicon-32x32.png',
];
const PATHS = ['/openapi.json', '/docs', '/docs/', ...ASSETS.map((asset) => `/docs/${asset}`)];

/** `version:"1.2.3"`, `VERSION="1.2.3-rc"` and the like: strangers need not know which versions are in use. */
const VERSION = /(version\w*"?\s*[:=]\s*")\d+\.\d+\.\d+[^"]*"/gi;
const OTHER_VERSIONS = /(GIT_COMMIT:"|core-js\/blob\/|normalize\.css )[\w.]+/g;

/** By path. */
export async function loadPages(document: OpenAPIObject): Promise<ReadonlyMap<string, Page>> {
  const { SwaggerModule } = await loadSwagger();
  // An application for them alone, that listens nowhere: one that has started takes no more routes.
  const app = await NestFactory.create<NestFastifyApplication>(class Pages {}, new FastifyAdapter(), {
    abortOnError: false,
  });
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: '/openapi.json',
    raw: ['json'],
    // Else the page asks a public service whether the document is valid.
    swaggerOptions: { validatorUrl: null },
  });
  await app.init();
  const pages = new Map<string, Page>();
  for (const path of PATHS) {
    const { statusCode, headers, rawPayload } = await app.inject({ url: path });
    if (statusCode !== 200) throw new Error(`the API documentation has no ${path}`);
    const contentType = String(headers['content-type']);
    const isAsset = /javascript|css/.test(contentType) && !path.endsWith('-init.js');
    const body = isAsset ? withoutVersions(rawPayload) : rawPayload;
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    pages.set(path, { contentType, etag, body });
  }
  await app.close();
  return pages;
}

function withoutVersions(asset: Buffer): Buffer {
  return Buffer.from(String(asset).replace(VERSION, '$1"').replace(OTHER_VERSIONS, '$1'));
}
