import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

/** sources are what dist is made of, by path. The Go tests know the same list. */
function sources() {
  const inside = (dir) => readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  return [...inside('src'), ...inside('public'), 'index.html', 'package-lock.json', 'vite.config.js'].sort();
}

/** stamp writes down which sources dist was built from, so that a test can tell a stale one. */
const stamp = {
  name: 'stamp',
  generateBundle() {
    const sum = createHash('sha256');
    for (const file of sources()) sum.update(`${file}\n`).update(readFileSync(file));
    this.emitFile({ type: 'asset', fileName: 'sources.sha256', source: `${sum.digest('hex')}\n` });
  },
};

export default defineConfig({
  base: './',
  plugins: [svelte(), stamp],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: { entryFileNames: 'app.js', chunkFileNames: '[name].js', assetFileNames: '[name][extname]' },
    },
  },
});
