import { defineConfig } from 'vitest/config'
import manifest from './package.json' with { type: 'json' }

// The bundle must run under `default-src 'self'` with no inline script or
// style, so nothing is inlined and the page is plain tags only.
export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  define: { __APP_VERSION__: JSON.stringify(manifest.version) },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ['chrome111', 'firefox115', 'safari16.4'],
  },
  // Generating the types twice takes seconds on a busy machine.
  test: { include: ['src/**/*.test.ts'], testTimeout: 60_000 },
})
