/** heddle/codec as others get it: packed, unpacked beside its dependencies, compiled against, run in Node.js, bundled, and run in a browser. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { builtinModules } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { findChromium } from './support/chromium.ts'
import { install } from './support/installed.ts'

const ROOT = join(import.meta.dirname, '../..')
const BIN = join(ROOT, 'node_modules/.bin')
const browserPath = findChromium()
const wallet: unknown = JSON.parse(readFileSync(join(ROOT, 'dev/wallets/alice.json'), 'utf8'))
const run = promisify(execFile)

/** What one side makes, for itself to compare and for another to verify. */
interface Made {
  readonly id: string
  readonly json: string
  readonly hashpath: string
  readonly committers: readonly string[]
  readonly headers: readonly (readonly [string, string])[]
  readonly body: readonly number[] | null
  readonly item: readonly number[]
  readonly failure: string
}

/** The same module for Node.js and for browsers. */
const PROGRAM = `
import {
  commit, commitmentsOf, committersOf, decodeAns104, encodeAns104, encodeHttpMessage, encodeJson, hashpath, HeddleError, isFailure, itemSigner, message,
  messageSigner, receiveDataItem, receiveHttpMessage, requireVerified, unsignedId, fetchMessage,
} from 'heddle/codec'

const mine = message({ action: 'Eval', slot: 7, ratio: 0.1, on: true, tags: ['a', 2], within: { deep: { er: 'x' } }, clé: 'été', body: 'long '.repeat(1000) })

export async function make(wallet) {
  const signed = await commit(mine, messageSigner(wallet))
  const form = encodeHttpMessage(signed, { bundle: true })
  const received = await receiveHttpMessage(form)
  const headers = [...form.headers].map(([name, value]) => [name, typeof value === 'string' ? value : String(value)])
  const item = await encodeAns104(message({ action: 'Eval', data: '1 + 1' }), itemSigner(wallet))
  const changed = { headers: new Map(form.headers).set('action', 'Transfer'), body: form.body }
  const failure = await receiveHttpMessage(changed).then(() => 'none', (error) => (error instanceof HeddleError ? error.code : String(error)))
  return {
    id: unsignedId(mine),
    json: encodeJson(mine),
    hashpath: hashpath(unsignedId(mine), message({ path: 'set', k: 'v' })),
    committers: committersOf(received),
    headers,
    body: form.body === null ? null : [...form.body],
    item: [...item],
    failure,
  }
}

export async function check({ headers, body, item }) {
  const received = await receiveHttpMessage({ headers: new Map(headers), body: body === null ? null : Uint8Array.from(body) })
  const opened = await requireVerified(await receiveDataItem(Uint8Array.from(item)))
  return { committers: committersOf(received), kinds: commitmentsOf(received).map(({ type }) => type).sort(), itemBy: committersOf(opened), data: opened.get('data') }
}

export async function ask(url) {
  const { status, message: reply } = await fetchMessage(url + '/~meta@1.0/info/address')
  return { status, committers: committersOf(reply), address: reply.get('body') }
}
`

let node: TestNode
let folder = ''
let heddle = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-codec-'))
  node = await startTestNode()
  heddle = await install(folder)
  writeFileSync(join(folder, 'program.js'), PROGRAM)
}, 180_000)

afterAll(async () => {
  await node?.stop()
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
})

/** Names of the packages that the library needs, found by following its imports. */
function importedPackages(): string[] {
  const names = new Set<string>()
  const seen = new Set<string>()
  const follow = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/\b(?:from|import) ['"]([^'"]+)['"]/g)) {
      if (target.startsWith('.')) follow(join(dirname(file), target))
      else if (!target.startsWith('node:')) names.add(target.split('/', target.startsWith('@') ? 2 : 1).join('/'))
    }
  }
  follow(join(heddle, 'dist/codec/index.js'))
  for (const twin of Object.values(manifest().browser)) follow(join(heddle, twin))
  return [...names].sort()
}

interface Manifest {
  readonly browser: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly dependencies: Readonly<Record<string, string>>
}

function manifest(): Manifest {
  return JSON.parse(readFileSync(join(heddle, 'package.json'), 'utf8')) as Manifest
}

/** Runs a function of the program in Node.js, on the installed package. */
async function inNode<T>(name: string, argument: unknown): Promise<T> {
  const script = `const [name, argument] = JSON.parse(process.argv[1]); const program = await import('./program.js')
    console.log(JSON.stringify(await program[name](argument)))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, JSON.stringify([name, argument])], { cwd: folder })
  return JSON.parse(stdout) as T
}

/** Everything that a program needs, in one file for browsers. */
async function bundle(input: string, minify = false): Promise<{ readonly code: string; readonly imports: readonly string[] }> {
  const build = await rolldown({ input: join(folder, input), platform: 'browser', cwd: folder, logLevel: 'silent' })
  const { output } = await build.generate({ format: 'esm', minify })
  await build.close()
  expect(output.length).toBe(1)
  const { code, imports, dynamicImports } = output[0]
  return { code, imports: [...imports, ...dynamicImports] }
}

/** The examples of docs/codec.md: each a program of its own, with what it prints in the comments behind. */
function examples(): { readonly code: string; readonly printed: readonly string[] }[] {
  const text = readFileSync(join(ROOT, 'docs/codec.md'), 'utf8')
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => ({
    code: code.replaceAll('http://localhost:1984', node.url),
    printed: [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, output = '']) => output),
  }))
}

describe('the package', () => {
  it('brings the library, its types and its twins for browsers, and no tests', () => {
    const { browser, exports, dependencies } = manifest()
    for (const path of [...Object.entries(browser).flat(), ...Object.values(exports['./codec']!)])
      expect(readFileSync(join(heddle, path), 'utf8').length, path).toBeGreaterThan(0)
    expect(importedPackages()).toContain('@noble/hashes')
    expect(importedPackages().filter((name) => !Object.hasOwn(dependencies, name))).toEqual([])
    const files = readdirSync(heddle, { recursive: true, encoding: 'utf8' })
    expect(files.filter((name) => /\.test\.|^test|^bench|^node_modules|^\.heddle/.test(name))).toEqual([])
  })

  it('has types that stand without those of Node.js, and forbid wrong use', async () => {
    const source = readFileSync(join(ROOT, 'test/codec-types.ts'), 'utf8').replace("'../src/codec/index.ts'", "'heddle/codec'")
    expect(source).toContain('@ts-expect-error')
    writeFileSync(join(folder, 'types.ts'), source)
    const names = examples().map(({ code }, i) => {
      writeFileSync(join(folder, `typed-${i}.ts`), code)
      return `typed-${i}.ts`
    })
    const options = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'dom', 'dom.iterable'],
      types: [],
      skipLibCheck: false,
    }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...options, exactOptionalPropertyTypes: true }, files: ['types.ts', ...names] }),
    )
    const { stdout } = await run(join(BIN, 'tsc'), ['-p', 'tsconfig.json'], { cwd: folder }).catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  })

  it('runs in Node.js', async () => {
    const made = await inNode<Made>('make', wallet)
    expect(made.failure).toBe('signature-invalid')
    expect(made.committers).toHaveLength(1)
    const seen = await inNode<Record<string, unknown>>('check', made)
    expect(seen).toEqual({ committers: made.committers, kinds: ['hmac-sha256', 'rsa-pss-sha512'], itemBy: made.committers, data: '1 + 1' })
    const { status, committers, address } = await inNode<{ status: number; committers: string[]; address: string }>('ask', node.url)
    expect({ status, committers }).toEqual({ status: 200, committers: [address] })
  })

  it('does what docs/codec.md says', async () => {
    const all = examples()
    expect(all.length).toBeGreaterThan(4)
    for (const [i, { code, printed }] of all.entries()) {
      const name = `example-${i}.ts`
      writeFileSync(join(folder, name), code)
      const { stdout } = await run(process.execPath, [name], { cwd: folder })
      expect(stdout.trimEnd().split('\n'), `example ${i + 1}: ${code}`).toEqual(printed)
      expect(printed.length, `console.log without its output in example ${i + 1}`).toBe(code.split('console.log(').length - 1)
    }
  })

  it('is bundled for browsers without anything of Node.js, and without what is not used', async () => {
    const { code, imports } = await bundle('program.js', true)
    expect(imports).toEqual([])
    for (const name of [...builtinModules.map((module) => `node:${module}`), 'lru-cache', 'tiny-secp256k1'])
      expect(code.includes(name), name).toBe(false)
    expect(/(?<![\w$])Buffer\./.exec(code)).toBe(null)
    writeFileSync(join(folder, 'small.js'), "import { message } from 'heddle/codec'\nconsole.log(message({}))\n")
    expect((await bundle('small.js', true)).code.length).toBeLessThan(20_000)
  })
})

describe.skipIf(browserPath === null)(
  `in a browser${browserPath === null ? ' (skipped: no Chromium or Chrome on this machine, CHROMIUM_PATH names one)' : ''}`,
  () => {
    let server: Server
    let page: Awaited<ReturnType<Awaited<ReturnType<typeof chromium.launch>>['newPage']>>
    let browser: Awaited<ReturnType<typeof chromium.launch>>

    beforeAll(async () => {
      writeFileSync(join(folder, 'bundle.js'), (await bundle('program.js')).code)
      writeFileSync(join(folder, 'bundled.html'), '<!doctype html><script type="module">window.program = import("./bundle.js")</script>')
      writeFileSync(join(folder, 'mapped.html'), mappedPage())
      writeFileSync(join(folder, 'favicon.ico'), '') // Browsers ask for it.
      server = createServer((request, response) => {
        const path = new URL(request.url ?? '/', 'http://localhost').pathname
        try {
          const content = readFileSync(join(folder, path))
          response.setHeader('content-type', path.endsWith('.html') ? 'text/html; charset=utf-8' : 'text/javascript; charset=utf-8')
          response.end(content)
        } catch {
          response.writeHead(404).end()
        }
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      browser = await chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'] })
    })

    afterAll(async () => {
      await browser?.close()
      await new Promise((resolve) => server?.close(resolve))
    })

    /** No build step: the files as they are, with a map for what a bundler would find. */
    function mappedPage(): string {
      const { browser: twins } = manifest()
      const at = (path: string): string => path.replace('./', '/node_modules/heddle/')
      const imports = {
        'heddle/codec': '/node_modules/heddle/dist/codec/index.js',
        '@noble/': '/node_modules/@noble/',
        ...Object.fromEntries(Object.entries(twins).map(([file, twin]) => [at(file), at(twin)])),
      }
      return `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script><script type="module">window.program = import("./program.js")</script>`
    }

    for (const [name, how] of [
      ['bundled', 'bundled'],
      ['mapped', 'as it is, with an import map'],
    ] as const)
      it(`makes and verifies the same as Node.js: ${how}`, async () => {
        page = await browser.newPage()
        const problems: string[] = []
        page.on('pageerror', (error) => problems.push(String(error)))
        page.on('console', (line) => void (line.type() === 'error' && problems.push(line.text())))
        await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}.html`)
        const inPage = async <T>(work: string, argument: unknown): Promise<T> => {
          const expression = `window.program.then((program) => program[${JSON.stringify(work)}](${JSON.stringify(argument)}))`
          return (await page.evaluate(expression)) as T
        }
        const [here, there] = [await inNode<Made>('make', wallet), await inPage<Made>('make', wallet)]
        for (const key of ['id', 'json', 'hashpath', 'committers', 'failure'] as const) expect(there[key], key).toEqual(here[key])
        expect(await inPage('check', here)).toEqual(await inNode('check', there))
        expect(await inPage('ask', node.url)).toEqual(await inNode('ask', node.url))
        expect(problems).toEqual([])
        await page.close()
      })
  },
)
