import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** The document at /openapi.json, and a page to read it at /docs with all its assets from here. */
export function serveOpenApi(app: NestFastifyApplication): void {
  const about = new DocumentBuilder()
    .setTitle('Rollcall')
    .setDescription('Who is on the call, right now. Errors are `application/problem+json` (RFC 9457).')
    .setVersion('1')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, about), {
    jsonDocumentUrl: '/openapi.json',
    raw: ['json'],
    // Else the page asks a public service whether the document is valid.
    swaggerOptions: { validatorUrl: null },
  });
}
