/** The rules that a reader should be able to rely on everywhere, as tests. Each message says what to do instead. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

/** Bottom first. A file may import from its own layer and from those before it. Files directly in src/ (main.ts, worker entries) are where parts meet. */
const LAYERS = ['base', 'codec', 'rules', 'store', 'guests', 'kernel', 'devices', 'services', 'http', 'cli', 'testkit']
const LINES_MAX = 600
const DEMO = /^src\/cli\/demo\b/
const SKIPPED = new Set(['node_modules', '.git', '.heddle', 'dist', 'coverage'])

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

interface File {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

function filesIn(folder: string, isWanted: (name: string) => boolean): File[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry): File[] => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesIn(path, isWanted)
    if (!entry.isFile() || !isWanted(entry.name)) return []
    return [{ path: relative(root, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }]
  })
}

const isScript = (name: string): boolean => /\.[cm]?[jt]sx?$/.test(name)
const isTest = ({ path }: File): boolean => /\.(test|contract)\.ts$/.test(path)
const isText = (name: string): boolean => /\.(ts|tsx|js|mjs|json|md|lua|yml|yaml|html|css|sh|txt)$/.test(name) || !name.includes('.')

const sources = filesIn(src, isScript)
const shipped = sources.filter((file) => !isTest(file))
const everything = filesIn(root, isText)

/** The modules that a file names in import, export-from, import() and new URL(…, import.meta.url). */
function importsOf({ text }: File): string[] {
  const patterns = [
    /^\s*(?:import|export)\b[^'";]*?\bfrom\s*'([^']+)'/gm,
    /^\s*import\s*'([^']+)'/gm,
    /\bimport\(\s*'([^']+)'\s*\)/g,
    /new URL\(\s*'([^']+)',\s*import\.meta\.url/g,
  ]
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, target = '']) => target))
}

/** Problems, one line each: an empty list is what every rule wants. */
function problems(files: readonly File[], find: (file: File) => readonly string[]): string[] {
  return files.flatMap((file) => find(file).map((problem) => `${file.path}: ${problem}`))
}

/** The folder of src/ that a path from the root lies in; null directly in src/ and outside. */
function layerOf(path: string): string | null {
  const [top, layer, ...rest] = path.split('/')
  return top === 'src' && layer !== undefined && rest.length > 0 ? layer : null
}

describe('tidy', () => {
  it('reads this repository', () => {
    expect(sources.map(({ path }) => path)).toContain('src/base/errors.ts')
    expect(
      importsOf({ path: 'x.ts', text: "import type { A } from '../a.ts'\nimport {\n  b,\n} from '../b.ts'\nimport './c.ts'\n" }),
    ).toEqual(['../a.ts', '../b.ts', './c.ts'])
  })

  it('every folder of src/ is a known layer', () => {
    const unknown = sources.map(({ path }) => layerOf(path)).filter((layer) => layer !== null && !LAYERS.includes(layer))
    expect([...new Set(unknown)]).toEqual([])
  })

  it('imports point downwards only', () => {
    const found = problems(shipped, (file) => {
      const own = layerOf(file.path)
      if (own === null) return []
      const folder = dirname(join(root, file.path))
      return importsOf(file)
        .filter((target) => target.startsWith('.'))
        .map((target) => relative(root, resolve(folder, target)).split(sep).join('/'))
        .filter((path) => path.startsWith('src/'))
        .filter((path) => LAYERS.indexOf(layerOf(path) ?? 'testkit') > LAYERS.indexOf(own))
        .map((path) => `imports ${path}, a layer above it; take what it needs as an argument`)
    })
    expect(found).toEqual([])
  })

  it('shipped files import only node, shipped files and declared dependencies', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, object>
    const found = problems(shipped, (file) =>
      importsOf(file)
        .filter((target) => !target.startsWith('.') && !target.startsWith('node:'))
        // The demo plays a user's program: it brings the clients that users bring, which the node itself does without.
        .filter((target) => !Object.hasOwn({ ...dependencies, ...(DEMO.test(file.path) && devDependencies) }, packageOf(target)))
        .map(
          (target) => `imports ${target}, ${builtinModules.includes(target) ? 'write node: before it' : 'which is not in dependencies'}`,
        ),
    )
    expect(found).toEqual([])
  })

  it('shipped files do not import tests', () => {
    const found = problems(shipped, (file) =>
      importsOf(file)
        .filter((target) => /\.(test|contract)\.ts$|(?:^|\/)test\//.test(target))
        .map((target) => `imports ${target}`),
    )
    expect(found).toEqual([])
  })

  it(`no file of src/ has more than ${LINES_MAX} lines`, () => {
    const found = problems(sources, ({ text }) => {
      const lines = text.split('\n').length - 1
      return lines > LINES_MAX ? [`${lines} lines; split it by concept`] : []
    })
    expect(found).toEqual([])
  })

  it('names what it exports', () => {
    const found = problems(sources, ({ text }) =>
      /^\s*export default\b|\bas default\b/m.test(text) ? ['has a default export; name it'] : [],
    )
    expect(found).toEqual([])
  })

  it('work that is left open names its issue', () => {
    const scripts = everything.filter(({ path }) => isScript(path) && path !== 'test/tidy.test.ts')
    const found = problems(scripts, ({ text }) =>
      [...text.matchAll(/\b(?:TODO|FIXME|XXX|HACK)\b(?!\(#\d+\):)[^\n]*/g)].map(([line]) => line),
    )
    expect(found).toEqual([])
  })

  it('settings are read in one place', () => {
    const readsEnvironment = ({ path }: File): boolean => !/^src\/cli\/config[^/]*$/.test(path)
    const found = problems(shipped.filter(readsEnvironment), ({ text }) =>
      /\bprocess\s*\.\s*env\b|\benv\s*}\s*=\s*process\b|\benv\b[^\n]*from 'node:process'/.test(text)
        ? ['reads the environment; take the setting as an argument']
        : [],
    )
    expect(found).toEqual([])
  })

  it('no path of a developer machine is left anywhere', () => {
    const home = new RegExp(
      ['/home/', '/Users/', '/root/', '/work/', 'C:\\\\\\\\?Users'].map((path) => `(?<![\\w.~:/-])${path}\\w`).join('|'),
    )
    const own = everything.filter(({ path }) => path !== 'test/tidy.test.ts' && path !== 'package-lock.json')
    expect(problems(own, ({ text }) => home.exec(text) ?? [])).toEqual([])
  })

  it('every vector file is used by a test', () => {
    const tests = [...sources, ...filesIn(join(root, 'test'), isScript)].filter(isTest)
    const vectors = existsSync(join(root, 'test/vectors')) ? readdirSync(join(root, 'test/vectors')) : []
    const unclaimed = vectors.filter((name) => !tests.some(({ path, text }) => path !== 'test/tidy.test.ts' && text.includes(name)))
    expect(unclaimed).toEqual([])
  })
})

function packageOf(target: string): string {
  const [first = '', second = ''] = target.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}
