import { defineConfig } from 'vite';

/** Relative paths: a proxy may serve it under a path of its own. No inlined assets and no inline script: the page's CSP allows neither. `pnpm dev` serves the API that it talks to. */
export default defineConfig({
  base: './',
  build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
