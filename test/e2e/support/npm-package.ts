/** A published package that is no dependency of this repository: installed once into node_modules/.cache, by npm from its registry. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/heddle', import.meta.url))

const INSTALL_MS = 60_000
const QUIET = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact']

const run = promisify(execFile)

/** The folder with it, or why there is none. */
export async function findNpmPackage(name: string, version: string): Promise<{ readonly folder: string } | { readonly missing: string }> {
  const made = join(CACHE, `${name.replace(/^@/, '').replaceAll('/', '-')}-${version}`)
  const folder = join(made, 'node_modules', name)
  if (existsSync(folder)) return { folder }
  try {
    await makeFolder(made, async (fresh) => {
      writeFileSync(join(fresh, 'package.json'), '{"private":true}')
      await npmInstall(fresh, `${name}@${version}`)
    })
    return { folder }
  } catch (error) {
    return { missing: `npm could not install ${name}@${version}: ${reasonOf(error)}` }
  }
}

export async function npmInstall(folder: string, what: string): Promise<void> {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  await run(npm, ['install', ...QUIET, what], { cwd: folder, timeout: INSTALL_MS })
}

/** Fills a folder of another name, which gets this one when it is complete: several runs may do this at once. */
export async function makeFolder(path: string, fill: (fresh: string) => Promise<void>): Promise<void> {
  mkdirSync(join(path, '..'), { recursive: true })
  const fresh = mkdtempSync(`${path}-`)
  try {
    await fill(fresh)
    if (!existsSync(path)) renameSync(fresh, path)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n').slice(0, 2).join(' ')
}
