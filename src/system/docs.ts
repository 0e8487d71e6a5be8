import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Router } from 'express';
import type { Runtime } from '../platform/work.ts';

/** The explorer loads nothing from another origin, and nothing else may load it into a frame. */
export const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>RustBill API</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/initializer.js"></script>
</body>
</html>
`;

const INITIALIZER = `window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'none',
  filter: true,
  validatorUrl: null,
});
`;

const TYPES: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** Serves the files that the page of `getDocs` needs; to be mounted at `/docs`. Anything else falls through. */
export function docsAssets({ clock, newIdAt }: Pick<Runtime, 'clock' | 'newIdAt'>): Router {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const files = new Map<string, { type: string; body: string | Buffer }>([
    ['initializer.js', { type: 'text/javascript; charset=utf-8', body: INITIALIZER }],
  ]);
  for (const [name, type] of Object.entries(TYPES)) files.set(name, { type, body: readFileSync(join(folder, name)) });
  const router = Router();
  // mounted at /docs, this is also /docs itself, which is the operation's
  router.get('/', (req, res, next) => {
    if (req.originalUrl.split('?', 1)[0] !== '/docs/') return next();
    res.redirect(308, '/docs');
  });
  router.get('/:file', (req, res, next) => {
    const file = files.get(req.params.file);
    if (!file) return next();
    const requestId = req.get('X-Request-Id') ?? '';
    res.set({
      'X-Request-Id': /^[A-Za-z0-9._-]{1,128}$/.test(requestId) ? requestId : newIdAt(clock.now()),
      'Content-Type': file.type,
      'Content-Security-Policy': DOCS_POLICY,
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'public, max-age=3600',
    });
    res.end(file.body);
  });
  return router;
}
