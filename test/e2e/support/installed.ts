/** This package as others get it: packed, and unpacked beside its dependencies. Only those it names are there. */
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

/** Returns the folder of the package within the program's folder. */
export async function install(folder: string): Promise<string> {
  const heddle = join(folder, 'node_modules/heddle')
  await run('npm', ['pack', '--pack-destination', folder, '--silent'], { cwd: ROOT })
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!
  mkdirSync(heddle, { recursive: true })
  await run('tar', ['-xzf', join(folder, tarball), '-C', heddle, '--strip-components=1'])
  const { dependencies } = JSON.parse(readFileSync(join(heddle, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
  for (const name of Object.keys(dependencies)) {
    const at = join(folder, 'node_modules', name)
    mkdirSync(dirname(at), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), at, 'junction')
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  return heddle
}
