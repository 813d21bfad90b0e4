// One program of all that the server is made of, with its dependencies: rolldown, by way of the Vite that builds the page.
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** What is elsewhere in the built folder than in a checkout. */
const replaced = new Map([
  [path('../../artifacts/api-server/src/places.ts'), path('places.ts')],
  [path('../../packages/embedded-postgres/src/installed-binaries.ts'), path('installed-binaries.ts')],
]);

const replacePlaces = {
  name: 'replace-places',
  enforce: 'pre',
  async resolveId(source, importer, options) {
    const resolved = await this.resolve(source, importer, { ...options, skipSelf: true });
    return (resolved && replaced.get(resolved.id)) ?? resolved;
  },
};

export default {
  root: path('../..'),
  configFile: false,
  publicDir: false,
  plugins: [replacePlaces],
  ssr: { noExternal: true, target: 'node' },
  build: {
    ssr: path('../../artifacts/api-server/src/main.ts'),
    target: 'node24',
    emptyOutDir: true,
    minify: false,
    rolldownOptions: { output: { entryFileNames: 'main.js', chunkFileNames: '[name]-[hash].js' } },
  },
  logLevel: 'warn',
};
