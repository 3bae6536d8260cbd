import { defineConfig } from 'vitest/config'
import { webTwinsPlugin } from './test/web-twins.ts'

const SLOW = '{src,test}/**/*.slow.test.ts'
const common = { isolate: false, pool: 'forks' as const }

export default defineConfig({
  test: {
    projects: [
      { test: { ...common, name: 'unit', include: ['src/**/*.test.ts', 'test/*.test.ts'], exclude: [SLOW], testTimeout: 20_000 } },
      // What takes seconds: whole runs of guests, fuzzing.
      { test: { ...common, name: 'slow', include: [SLOW], testTimeout: 20_000 } },
      // The codecs once more, on what browsers get in place of node:crypto and Buffer.
      { plugins: [webTwinsPlugin()], test: { ...common, name: 'web', include: ['src/codec/**/*.test.ts'], testTimeout: 60_000 } },
      { test: { ...common, isolate: true, name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 60_000 } },
    ],
  },
})
