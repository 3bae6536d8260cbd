/**
 * The published aos command line (permaweb/aos 2.0.16), which is in no package registry: its git repository is fetched once and kept in node_modules/.cache.
 *
 * AOS_CLI_FOLDER names a folder with a checkout and its installed dependencies instead. Where neither is to be had, suites skip and say why.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { CACHE, makeFolder, npmInstall, reasonOf } from './npm-package.ts'
import { openTerminal, type Terminal } from './terminal.ts'

const COMMIT = 'ae42860a0cf73ded468b36450aa5f58aeaef756a'
/** Id of the git tree of that commit: what came over the net is exactly it. */
const TREE = 'a1848c32b2cc2ea9b60ce32c1addd50a8782e713'
const SOURCE = `https://codeload.github.com/permaweb/aos/tar.gz/${COMMIT}`
/** The one it pins, 0.0.97, was never published; this one is what is tested elsewhere here too. */
const AOCONNECT = '@permaweb/aoconnect@0.0.98'
const CLI = join(CACHE, `aos-${COMMIT.slice(0, 12)}`)
const FETCH_MS = 20_000

export interface AosCli {
  readonly folder: string
}

/** What runs, or why nothing does. */
export async function findAosCli(): Promise<AosCli | { readonly missing: string }> {
  const { AOS_CLI_FOLDER: own } = process.env
  if (own !== undefined && own !== '') return isReady(own) ? { folder: own } : { missing: `AOS_CLI_FOLDER=${own} has no src/index.js` }
  if (isReady(CLI)) return { folder: CLI }
  try {
    await makeFolder(CLI, download)
    return { folder: CLI }
  } catch (error) {
    return { missing: `the aos command line could not be fetched: ${reasonOf(error)}` }
  }
}

function isReady(folder: string): boolean {
  return existsSync(join(folder, 'src/index.js')) && existsSync(join(folder, 'node_modules'))
}

async function download(folder: string): Promise<void> {
  const response = await fetch(SOURCE, { signal: AbortSignal.timeout(FETCH_MS) }).catch((error: Error) => {
    throw new Error(`${SOURCE}: ${error.cause === undefined ? error.message : reasonOf(error.cause)}`)
  })
  if (!response.ok) throw new Error(`${SOURCE} answered ${response.status}`)
  const archive = `${folder}.tgz`
  try {
    writeFileSync(archive, new Uint8Array(await response.arrayBuffer()))
    await promisify(execFile)('tar', ['-xzf', archive, '-C', folder, '--strip-components=1'])
  } finally {
    rmSync(archive, { force: true })
  }
  const tree = gitTree(folder).toString('hex')
  if (tree !== TREE) throw new Error(`${SOURCE} holds the tree ${tree}, not ${TREE}`)
  await npmInstall(folder, AOCONNECT) // And all the rest: the checksums are in its lock file.
}

/** The id that git gives to a folder. */
export function gitTree(folder: string): Buffer {
  const entries = readdirSync(folder).map((name) => entryOf(join(folder, name)))
  // Git sorts folders as if their names ended with a slash.
  const key = ({ name, mode }: Entry): string => (mode === '40000' ? `${name}/` : name)
  entries.sort((a, b) => Buffer.compare(Buffer.from(key(a)), Buffer.from(key(b))))
  return gitObject('tree', Buffer.concat(entries.flatMap(({ name, mode, id }) => [Buffer.from(`${mode} ${name}\0`), id])))
}

interface Entry {
  readonly name: string
  readonly mode: string
  readonly id: Buffer
}

function entryOf(path: string): Entry {
  const stat = lstatSync(path)
  const name = basename(path)
  if (stat.isDirectory()) return { name, mode: '40000', id: gitTree(path) }
  if (stat.isSymbolicLink()) return { name, mode: '120000', id: gitObject('blob', Buffer.from(readlinkSync(path))) }
  return { name, mode: stat.mode & 0o100 ? '100755' : '100644', id: gitObject('blob', readFileSync(path)) }
}

function gitObject(kind: string, content: Uint8Array): Buffer {
  return createHash('sha1').update(`${kind} ${content.length}\0`).update(content).digest()
}

export interface AosOptions {
  readonly url: string
  /** Where it keeps its wallet, its histories and what it knows of processes; also the folder it starts in. */
  readonly home: string
  /** Absent: the module whose id it has built in. */
  readonly module?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Starts it in a terminal against a node. */
export function openAos({ folder }: AosCli, words: readonly string[], { url, home, module, env = {} }: AosOptions): Terminal {
  const { PATH = '' } = process.env
  return openTerminal(process.execPath, [join(folder, 'src/index.js'), ...words, '--legacy'], {
    cwd: home,
    env: {
      PATH,
      HOME: home,
      GATEWAY_URL: url,
      CU_URL: url,
      MU_URL: url,
      // It looks for newer versions of itself there; 404 says that there is none.
      UPDATE_URL: `${url}/heddle/none`,
      ...(module === undefined ? {} : { AOS_MODULE: module }),
      ...env,
    },
  })
}

const PROMPT = /[^\n]*@aos-[\d.]+\[Inbox:\d+\]>$/

/** Waits until it asks for input; resolves to the prompt. */
export async function prompt(terminal: Terminal, timeoutMs?: number): Promise<string> {
  return PROMPT.exec(await terminal.waitFor(PROMPT, timeoutMs))?.[0] ?? ''
}

/** Types a line and resolves to what stands between it and the next prompt. */
export async function say(terminal: Terminal, line: string): Promise<string> {
  terminal.line(line)
  // It draws the line again, without the prompt, before it does anything.
  const echo = `> ${line}\n`
  await terminal.waitFor((text) => text.startsWith(echo) && PROMPT.test(text.slice(echo.length)))
  return terminal.fresh().slice(echo.length).replace(PROMPT, '').trim()
}

/** Types a line and waits until what it shows comes, and the prompt again; other output may come before. */
export async function shows(terminal: Terminal, line: string, wanted: RegExp): Promise<void> {
  terminal.line(line)
  const isThere = (text: string): boolean => PROMPT.test(text) && wanted.test(text.replace(PROMPT, '').trim())
  await terminal.waitFor((text) => text.startsWith(`> ${line}\n`) && isThere(text.slice(line.length + 3)))
}
