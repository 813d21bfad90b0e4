/** The API's own description: OpenAPI, and a page to read it and try it, served from here alone. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { API_REFERENCE_DIRECTORY } from '../places.ts';
import { shareAnswer } from '../shared-answer.ts';
import { version } from '../version.ts';
import type { App } from './http.ts';

export const openApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'timmy-tower',
    version,
    description:
      'Prepaid AI conversations that remember. Amounts ending in `Msat` are millisatoshis: 1 sat = 1000 msat.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  // Beside this document, wherever a proxy has put it.
  servers: [{ url: '.' }],
};

/** All paths relative, also to where a proxy has put it. */
const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>timmy-tower API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <div id="reference"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;
const startScript = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#reference', deepLinking: true, validatorUrl: null });\n`;

// Swagger UI styles its elements in place.
const CSP = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

export function addDocsRoutes(app: App): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'sessionKey', { type: 'http', scheme: 'bearer' });
  app.openAPIRegistry.registerComponent('securitySchemes', 'sessionKeyHeader', {
    type: 'apiKey',
    in: 'header',
    name: 'X-Session-Key',
    description: 'In place of `Authorization`, where a proxy in front wants that for a password of its own',
  });
  // Made once, not anew for everybody who asks.
  let document: Buffer<ArrayBuffer> | undefined;
  app.get('/openapi.json', (context) => {
    document ??= Buffer.from(JSON.stringify(app.getOpenAPI31Document(openApiDocument)));
    return context.body(document, 200, { 'content-type': 'application/json' });
  });
  app.get('/docs', (context) => context.html(page, 200, { 'content-security-policy': CSP }));
  app.get('/docs/start.js', (context) => context.body(startScript, 200, { 'content-type': 'text/javascript' }));
  for (const [file, type] of [
    ['swagger-ui.css', 'text/css'],
    ['swagger-ui-bundle.js', 'text/javascript'],
  ] as const) {
    const path = join(API_REFERENCE_DIRECTORY, file);
    // Read once: all who ask share the same bytes, and those who do not take them hold nothing more.
    const content = shareAnswer(Infinity, () => readFile(path));
    app.get(`/docs/${file}`, async (context) =>
      context.body(await content(), 200, { 'content-type': type, 'cache-control': 'max-age=3600' }),
    );
  }
}
