/** The files of a folder that becomes a web site. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from './command.ts'

export interface SiteFile {
  /** On disk. */
  readonly path: string
  /** In the site: from the folder, with slashes. */
  readonly name: string
  readonly sizeBytes: number
}

export interface Site {
  /** By name. */
  readonly files: readonly SiteFile[]
  /** Names of hidden files and folders that were left out. */
  readonly skipped: readonly string[]
}

/** Hidden, but meant for the public. */
const PUBLIC = new Set(['.well-known', '.nojekyll'])

/** Hidden files stay out unless asked for: among them are repositories, settings and keys, and an upload cannot be taken back. */
export async function findSiteFiles(folder: string, withHidden: boolean): Promise<Site> {
  const files: SiteFile[] = []
  const skipped: string[] = []
  await walk(folder, '')
  if (files.length === 0)
    throw new UsageError(`${folder} holds no files${skipped.length > 0 ? ` but hidden ones; --hidden takes them` : ''}`)
  return { files: files.sort((a, b) => (a.name < b.name ? -1 : 1)), skipped: skipped.sort() }

  async function walk(at: string, prefix: string): Promise<void> {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const name = prefix + entry.name
      const path = join(at, entry.name)
      if (entry.name.startsWith('.') && !PUBLIC.has(entry.name) && !withHidden) skipped.push(name)
      else if (entry.isDirectory()) await walk(path, `${name}/`)
      else await add(path, name)
    }
  }

  /** Links to files count as files; links to folders do not, since they may go round in a circle. */
  async function add(path: string, name: string): Promise<void> {
    const found = await stat(path).catch(() => null)
    if (found?.isFile() === true) files.push({ path, name, sizeBytes: found.size })
    else skipped.push(name)
  }
}
