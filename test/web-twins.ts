/** Lets tests run on what browsers get: each file that has a twin in the `browser` map of package.json gives way to that twin. */
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/** Source file → its twin, both absolute. */
export function webTwins(): ReadonlyMap<string, string> {
  const { browser } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { browser: Record<string, string> }
  return new Map(Object.entries(browser).map(([file, twin]) => [sourceOf(file), sourceOf(twin)]))
}

function sourceOf(built: string): string {
  return join(ROOT, built.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts'))
}

/** For Vite and Rolldown alike. */
export function webTwinsPlugin(): { name: string; enforce: 'pre'; resolveId(source: string, importer: string | undefined): string | null } {
  const twins = webTwins()
  return {
    name: 'web-twins',
    enforce: 'pre',
    resolveId: (source, importer) =>
      importer !== undefined && source.startsWith('.') ? (twins.get(resolve(dirname(importer), source)) ?? null) : null,
  }
}
