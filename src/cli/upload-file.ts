/**
 * Puts one file on the node as a signed data item.
 *
 * A small file goes in one piece. A large one is read twice and never held: once to hash it for the signature, once to send it.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { ITEM_BYTES_MAX, ITEM_IN_MEMORY_BYTES_MAX } from '../base/limits.ts'
import { createItemHeader, itemHeaderBytesMax, itemSigner } from '../codec/data-item.ts'
import type { SigningKey } from '../codec/keys.ts'
import type { TextTag } from '../codec/tags.ts'
import { type NodeClient, NodeError, parseAnswer, unreachable } from './client.ts'
import { CommandError } from './command.ts'
import { readFileOf } from './files.ts'
import { uploadItem } from './items.ts'
import { formatBytes } from './output.ts'

export interface FileUpload {
  readonly path: string
  readonly sizeBytes: number
  readonly tags: readonly TextTag[]
}

/** Called with how many more bytes of the file were hashed, then with how many more were sent. */
export interface UploadProgress {
  hashed(bytes: number): void
  sent(bytes: number): void
}

const PIECE_BYTES = 256 * 1024
/** What is hashed and sent for a file of this size fits the node's largest item. */
export const FILE_BYTES_MAX = ITEM_BYTES_MAX - itemHeaderBytesMax()

/** Returns the item's id, once it is durable. */
export async function uploadFile(node: NodeClient, key: SigningKey, file: FileUpload, progress: UploadProgress): Promise<string> {
  if (file.sizeBytes > FILE_BYTES_MAX)
    throw new CommandError(
      'too-large',
      `${file.path} has ${formatBytes(file.sizeBytes)}, a data item takes up to ${formatBytes(FILE_BYTES_MAX)}; split it`,
    )
  if (file.sizeBytes > ITEM_IN_MEMORY_BYTES_MAX) return uploadLarge(node, key, file, progress)
  const data = await readFileOf(file.path)
  progress.hashed(data.length)
  const id = await uploadItem(node, { data, tags: file.tags }, key)
  progress.sent(data.length)
  return id
}

async function uploadLarge(
  node: NodeClient,
  key: SigningKey,
  { path, sizeBytes, tags }: FileUpload,
  progress: UploadProgress,
): Promise<string> {
  const hash = createHash('sha384')
  for await (const piece of pieces(path, sizeBytes)) {
    hash.update(piece)
    progress.hashed(piece.length)
  }
  const header = await createItemHeader({ tags }, { sha384: hash.digest(), dataBytes: sizeBytes }, itemSigner(key))
  const { status, body } = await post(node.url, header.bytes, { path, sizeBytes, onSent: progress.sent })
  const { id } = parseAnswer<{ id: string }>(node.url, status, body, `the upload of ${path} was refused`)
  if (id !== header.id)
    throw new NodeError('refused', `the node stored ${path} as ${id} and not as ${header.id}; did the file change meanwhile?`)
  return id
}

interface Sending {
  readonly path: string
  readonly sizeBytes: number
  readonly onSent: (bytes: number) => void
}

/** Posts header and file; the answer may come before everything is sent, when the node refuses. */
async function post(url: string, header: Uint8Array, file: Sending): Promise<{ readonly status: number; readonly body: string }> {
  const target = new URL(`${url}/tx`)
  const headers = { 'content-type': 'application/octet-stream', 'content-length': header.length + file.sizeBytes }
  const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, { method: 'POST', headers })
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', (error) => reject(unreachable(url, error)))
  })
  const sending = send(request, header, file)
  const failed = new Promise<never>((_, reject) => void sending.catch(reject))
  try {
    const response = await Promise.race([answer, failed])
    const parts: Uint8Array[] = []
    for await (const part of response) parts.push(part as Uint8Array)
    return { status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }
  } finally {
    request.destroy()
    await sending.catch(() => {})
    answer.catch(() => {})
  }
}

async function send(request: ClientRequest, header: Uint8Array, { path, sizeBytes, onSent }: Sending): Promise<void> {
  await write(request, header)
  for await (const piece of pieces(path, sizeBytes)) {
    if (request.destroyed) return
    await write(request, piece)
    onSent(piece.length)
  }
  request.end()
}

/** Resolves when the system took the bytes, or nobody will take them any more; the answer tells why. */
function write(request: ClientRequest, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    request.once('close', resolve)
    request.write(bytes, () => {
      request.off('close', resolve)
      resolve()
    })
  })
}

/** The file, which must still have the size that was signed. */
async function* pieces(path: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let read = 0
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
    read += (piece as Uint8Array).length
    if (read > sizeBytes) break
    yield piece as Uint8Array
  }
  if (read !== sizeBytes) throw new CommandError('file', `${path} changed while it was read; upload it when it is at rest`)
}
