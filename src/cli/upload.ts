/** heddle upload: put a file or a folder on the permaweb. A folder becomes a site: its files and a path manifest. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { errorText } from '../base/errors.ts'
import { parseTxId } from '../base/ids.ts'
import type { SigningKey } from '../codec/keys.ts'
import { createManifest } from '../codec/manifest.ts'
import type { TextTag } from '../codec/tags.ts'
import { connectNode, type NodeClient, parseTags } from './client.ts'
import { type Command, listOption, textOption, UsageError } from './command.ts'
import { nodeUrl } from './config.ts'
import { mediaType } from './media-type.ts'
import { formatBytes, type Output } from './output.ts'
import { signingKey, urlOption, walletOption } from './wallets.ts'

const PARALLEL = 8

export interface UploadedFile {
  readonly path: string
  readonly id: string
  readonly sizeBytes: number
}

export const upload: Command = {
  name: 'upload',
  usage: '<file or folder>',
  summary: 'Upload a file, or a folder as a web site',
  options: {
    ...walletOption,
    ...urlOption,
    tag: { type: 'string', short: 't', multiple: true, value: 'name=value', help: 'further tags; may be repeated' },
    index: { type: 'string', value: 'file', help: 'start page of a folder (default: index.html)' },
    fallback: { type: 'string', value: 'file', help: 'page for unknown paths of a folder (default: 404.html if there is one)' },
  },
  examples: ['heddle upload photo.png', 'heddle upload ./dist --fallback index.html'],
  async run(input, output) {
    const [path, ...rest] = input.positionals
    if (path === undefined || rest.length > 0) throw new UsageError('upload needs one file or folder')
    const info = await stat(path).catch((error: unknown) => {
      throw new UsageError(`cannot read ${path}: ${errorText(error)}`)
    })
    const node = connectNode(nodeUrl(textOption(input, 'url')))
    const key = await signingKey(input, node)
    const tags = parseTags(listOption(input, 'tag'))
    if (!info.isDirectory()) return uploadOne(path, { node, key, tags, output })
    const index = textOption(input, 'index') ?? 'index.html'
    return uploadFolder(resolve(path), { node, key, tags, output, index, fallback: textOption(input, 'fallback') })
  },
}

interface Job {
  readonly node: NodeClient
  readonly key: SigningKey
  readonly tags: readonly TextTag[]
  readonly output: Output
}

async function uploadOne(path: string, job: Job): Promise<number> {
  const { id, sizeBytes } = await uploadFile(path, path, job)
  job.output.line(`${job.output.paint.green('✓')} ${path} ${job.output.paint.dim(formatBytes(sizeBytes))}`)
  job.output.line(`  ${job.output.paint.bold(`${job.node.url}/${id}`)}`)
  job.output.value({ id, url: `${job.node.url}/${id}`, sizeBytes })
  return 0
}

async function uploadFolder(folder: string, job: Job & { readonly index: string; readonly fallback: string | undefined }): Promise<number> {
  const paths = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  if (paths.length === 0) throw new UsageError(`${folder} holds no files`)
  const files = await uploadAll(folder, paths.sort(), job)
  const byPath = new Map(files.map((file) => [file.path, parseTxId(file.id)]))
  if (!byPath.has(job.index) && job.index !== 'index.html') throw new UsageError(`--index ${job.index}: there is no such file in ${folder}`)
  const fallback = byPath.get(job.fallback ?? '404.html')
  if (job.fallback !== undefined && fallback === undefined)
    throw new UsageError(`--fallback ${job.fallback}: there is no such file in ${folder}`)
  const manifest = createManifest({
    paths: byPath,
    index: { path: byPath.has(job.index) ? job.index : files[0]!.path },
    ...(fallback === undefined ? {} : { fallbackId: fallback }),
  })
  const tags = [...job.tags, { name: 'Content-Type', value: 'application/x.arweave-manifest+json' }]
  const id = await job.node.upload({ data: manifest, tags }, job.key)
  for (const file of files)
    job.output.line(`${job.output.paint.green('✓')} ${file.path} ${job.output.paint.dim(`${formatBytes(file.sizeBytes)}  ${file.id}`)}`)
  job.output.line(`  ${job.output.paint.bold(`${job.node.url}/${id}/`)}`)
  job.output.value({ id, url: `${job.node.url}/${id}/`, files })
  return 0
}

async function uploadAll(folder: string, paths: readonly string[], job: Job): Promise<UploadedFile[]> {
  const files: UploadedFile[] = []
  const progress = job.output.progress('Uploading')
  const waiting = paths.values()
  const work = async (): Promise<void> => {
    for (const path of waiting) {
      files.push(await uploadFile(path, relative(folder, path).split(sep).join('/'), job))
      progress.update(files.length, paths.length, `${files.length} of ${paths.length} files`)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  progress.end()
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function uploadFile(path: string, name: string, { node, key, tags }: Job): Promise<UploadedFile> {
  const data = await readFile(path)
  const typed = tags.some((tag) => tag.name.toLowerCase() === 'content-type')
    ? tags
    : [{ name: 'Content-Type', value: mediaType(path) }, ...tags]
  return { path: name, id: await node.upload({ data, tags: typed }, key), sizeBytes: data.length }
}
