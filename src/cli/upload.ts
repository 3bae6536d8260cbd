/** heddle upload: put a file or a folder on the permaweb. A folder becomes a site: its files and a path manifest. */
import { basename, resolve } from 'node:path'
import { parseTxId } from '../base/ids.ts'
import type { SigningKey } from '../codec/keys.ts'
import { createManifest, MANIFEST_CONTENT_TYPE } from '../codec/manifest.ts'
import type { TextTag } from '../codec/tags.ts'
import { connect, type NodeClient, urlOption } from './client.ts'
import { CommandError, type CommandFile, type CommandInput, flag, listOption, textOption, UsageError } from './command.ts'
import { statOf } from './files.ts'
import { parseTags, uploadItem } from './items.ts'
import { mediaType } from './media-type.ts'
import { formatBytes, type Output } from './output.ts'
import { findSiteFiles, type Site, type SiteFile } from './site-files.ts'
import { uploadFile } from './upload-file.ts'
import { signingKey, walletOption } from './wallets.ts'

const PARALLEL = 8

export interface UploadedFile {
  readonly path: string
  readonly id: string
  readonly sizeBytes: number
}

export const upload: CommandFile = {
  name: 'upload',
  usage: '<file or folder>',
  wordsMax: 1,
  options: {
    ...walletOption,
    ...urlOption,
    tag: { type: 'string', short: 't', multiple: true, value: 'name=value', help: 'further tags; may be repeated' },
    index: { type: 'string', value: 'file', help: 'start page of a folder (default: index.html)' },
    fallback: { type: 'string', value: 'file', help: 'page for unknown paths of a folder (default: 404.html if there is one)' },
    hidden: { type: 'boolean', help: 'take hidden files of a folder too' },
  },
  examples: ['heddle upload photo.png', 'heddle upload ./dist --fallback index.html'],
  async run(input, output) {
    const [path] = input.positionals
    if (path === undefined) throw new UsageError('upload needs one file or folder')
    const info = await statOf(path)
    const tags = parseTags(listOption(input, 'tag'))
    if (!info.isDirectory()) {
      const file = { path, name: basename(path), sizeBytes: Number(info.size) }
      return uploadOne(file, await openJob(input, tags, output))
    }
    const site = await planSite(resolve(path), input)
    return uploadSite(site, await openJob(input, tags, output))
  },
}

interface Job {
  readonly node: NodeClient
  readonly key: SigningKey
  readonly tags: readonly TextTag[]
  readonly output: Output
}

interface SitePlan extends Site {
  readonly index: string
  /** Null when none of the files is for unknown paths. */
  readonly fallback: string | null
}

async function openJob(input: CommandInput, tags: readonly TextTag[], output: Output): Promise<Job> {
  const node = connect(input)
  return { node, key: await signingKey(input, node), tags, output }
}

/** Everything that can be wrong is found before anything is uploaded. */
async function planSite(folder: string, input: CommandInput): Promise<SitePlan> {
  const site = await findSiteFiles(folder, flag(input, 'hidden'))
  const names = new Set(site.files.map(({ name }) => name))
  const named = (option: 'index' | 'fallback', usual: string): string | null => {
    const wanted = textOption(input, option)
    if (wanted !== undefined && !names.has(wanted)) throw new UsageError(`--${option} ${wanted}: there is no such file in ${folder}`)
    return wanted ?? (names.has(usual) ? usual : null)
  }
  const index = named('index', 'index.html') ?? (site.files.length === 1 ? site.files[0]!.name : null)
  if (index === null) throw new UsageError(`${folder} has no index.html; name its start page with --index <file>`)
  return { ...site, index, fallback: named('fallback', '404.html') }
}

async function uploadOne(file: SiteFile, job: Job): Promise<number> {
  const { output, node } = job
  const [uploaded] = await uploadAll([file], job)
  const { id, sizeBytes } = uploaded!
  output.line(`${output.paint.green('✓')} ${output.plain(file.path)} ${output.paint.dim(formatBytes(sizeBytes))}`)
  output.line(`  ${output.paint.bold(`${node.url}/${id}`)}`)
  output.value({ id, url: `${node.url}/${id}`, sizeBytes })
  return 0
}

async function uploadSite({ files, skipped, index, fallback }: SitePlan, job: Job): Promise<number> {
  const { node, key, output } = job
  const { bold, dim, green, yellow } = output.paint
  const uploaded = await uploadAll(files, job)
  const paths = new Map(uploaded.map((file) => [file.path, parseTxId(file.id)]))
  const manifest = createManifest({ paths, index: { path: index }, ...(fallback === null ? {} : { fallbackId: paths.get(fallback)! }) })
  const tags = [...job.tags.filter((tag) => !isContentType(tag)), { name: 'Content-Type', value: MANIFEST_CONTENT_TYPE }]
  const id = await uploadItem(node, { data: manifest, tags }, key)
  for (const file of uploaded) output.line(`${green('✓')} ${output.plain(file.path)} ${dim(`${formatBytes(file.sizeBytes)}  ${file.id}`)}`)
  if (skipped.length > 0) output.line(yellow(`  left out: ${output.plain(skipped.join(', '))}; --hidden takes hidden files too`))
  output.line(`  ${bold(`${node.url}/${id}/`)}`)
  output.value({ id, url: `${node.url}/${id}/`, index, fallback, files: uploaded, skipped })
  return 0
}

/** In the order given. */
async function uploadAll(files: readonly SiteFile[], job: Job): Promise<UploadedFile[]> {
  const meter = createMeter(files, job.output)
  const ids = new Map<SiteFile, string>()
  const waiting = files.values()
  const work = async (): Promise<void> => {
    for (const file of waiting) {
      const sending = uploadFile(job.node, job.key, { ...file, tags: tagsOf(file, job.tags) }, meter)
      ids.set(file, await sending.catch((error: unknown) => explain(error, file)))
      meter.done()
    }
  }
  try {
    await Promise.all(Array.from({ length: PARALLEL }, work))
  } catch (error) {
    for (const _ of waiting); // The others stop after the file that they are at.
    throw error
  } finally {
    meter.end()
  }
  return files.map((file) => ({ path: file.name, id: ids.get(file)!, sizeBytes: file.sizeBytes }))
}

/** One bar for all files. Hashing goes an order faster than sending, so it gets a tenth of the bar. */
function createMeter(files: readonly SiteFile[], output: Output) {
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const bar = output.progress('Uploading')
  let hashed = 0
  let sent = 0
  let count = 0
  const show = (): void => {
    const note = `${sent === 0 ? 'signing ' : `${formatBytes(sent)} of `}${formatBytes(totalBytes)}${files.length > 1 ? `, ${count} of ${files.length} files` : ''}`
    bar.update(
      hashed + 9 * sent,
      10 * totalBytes,
      sent === totalBytes && count < files.length ? `${note}, waiting until it is stored` : note,
    )
  }
  return {
    hashed(bytes: number): void {
      hashed += bytes
      show()
    },
    sent(bytes: number): void {
      sent += bytes
      show()
    },
    done(): void {
      count += 1
      show()
    },
    end: () => bar.end(),
  }
}

function tagsOf({ path }: SiteFile, tags: readonly TextTag[]): readonly TextTag[] {
  return tags.some(isContentType) ? tags : [{ name: 'Content-Type', value: mediaType(path) }, ...tags]
}

function isContentType({ name }: TextTag): boolean {
  return name.toLowerCase() === 'content-type'
}

/** Says which of many files it was. */
function explain(error: unknown, { name }: SiteFile): never {
  if (error instanceof CommandError && !error.message.includes(name))
    throw new CommandError(error.code, `${name}: ${error.message}`, { cause: error })
  throw error
}
