/** The page at `/`: its files compressed, hashed ones kept for good, the document itself never. */
import type { Context } from 'hono';

import type { PageFile } from '../page.ts';
import type { App } from './http.ts';

/** No inline script, no other host, no frame around it. */
const CSP = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const FOR_GOOD = 'public, max-age=31536000, immutable';

export function addPageRoutes(app: App, files: readonly PageFile[] | undefined): void {
  if (!files) {
    app.get('/', (context) => context.redirect('docs'));
    return;
  }
  for (const file of files) {
    const isDocument = file.path === '/index.html';
    app.get(isDocument ? '/' : file.path, (context) =>
      sendFile(context, file, isDocument ? 'no-store' : cachingOf(file)),
    );
  }
}

const cachingOf = ({ path }: PageFile) => (path.startsWith('/assets/') ? FOR_GOOD : 'max-age=3600');

async function sendFile(context: Context, file: PageFile, caching: string): Promise<Response> {
  const accepted = context.req.header('accept-encoding') ?? '';
  const encoding = (['br', 'gzip'] as const).find((name) => new RegExp(`\\b${name}\\b`).test(accepted));
  context.header('Vary', 'Accept-Encoding', { append: true });
  return context.body(encoding ? await file.compressed(encoding) : file.plain, 200, {
    'content-type': file.type,
    'cache-control': caching,
    'content-security-policy': CSP,
    'x-frame-options': 'DENY',
    ...(encoding ? { 'content-encoding': encoding } : {}),
  });
}
