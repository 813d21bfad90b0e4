import { defineConfig } from 'vite';

/** No inlined assets and no inline script: the page's CSP allows neither. `pnpm dev` serves the API that it talks to. */
export default defineConfig({
  build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
