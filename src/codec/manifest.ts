/**
 * Path manifest: a JSON document that gives names to ids, so that one id is a whole site.
 *
 * Wire        {"manifest": "arweave/paths", "version": "0.1.0" | "0.2.0", "index": {"path"} | {"id"}, "fallback": {"id"}, "paths": {name: {"id"}}};
 *             `index.id` and `fallback` since 0.2.0
 * Source      Arweave path manifest schema 0.2.0; ar-io/ar-io-node src/lib/encoding.ts
 * Invariants  The order of keys does not matter. An absent version counts as 0.1.0; an unknown one gets all of 0.2.0, and the name in `manifest`
 *             is not looked at ("irys/paths" is as good). An entry with a malformed id is as if it was not there: its neighbours work.
 *             Names compare exactly, but for slashes at their end.
 */
import { clip, toTextStrict, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { isTxId, type TxId } from '../base/ids.ts'
import { MANIFEST_BYTES_MAX, MANIFEST_PATHS_MAX } from '../base/limits.ts'

export interface Manifest {
  readonly version: string
  readonly indexId: TxId | null
  readonly indexPath: string | null
  readonly fallbackId: TxId | null
  /** Names without slashes at their end. */
  readonly paths: ReadonlyMap<string, TxId>
}

export interface ManifestFields {
  /** From name to id. */
  readonly paths: ReadonlyMap<string, TxId> | Readonly<Record<string, TxId>>
  readonly index?: { readonly path: string } | { readonly id: TxId }
  readonly fallbackId?: TxId
}

export const MANIFEST_CONTENT_TYPE = 'application/x.arweave-manifest+json'
const MANIFEST_CONTENT_TYPE_START = 'application/x.arweave-manifest'

/** Does this content type announce a manifest? With or without parameters, and without the `+json` that some leave out. */
export function isManifestType(contentType: string): boolean {
  return contentType.startsWith(MANIFEST_CONTENT_TYPE_START)
}

export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MANIFEST_BYTES_MAX) throw tooLarge('manifest', bytes.length, MANIFEST_BYTES_MAX)
  const { version = '0.1.0', index, fallback, paths } = asObject(parseJson(bytes), 'manifest')
  const indexFields = isObject(index) ? index : {}
  const fallbackFields = isObject(fallback) ? fallback : {}
  const isFirstVersion = version === '0.1.0'
  return {
    version: typeof version === 'string' ? version : JSON.stringify(version),
    indexId: isFirstVersion ? null : asId(indexFields['id']),
    indexPath: typeof indexFields['path'] === 'string' ? trimEnd(indexFields['path']) : null,
    fallbackId: isFirstVersion ? null : asId(fallbackFields['id']),
    paths: parsePaths(paths),
  }
}

/**
 * What stands at `path`, already URL-decoded; '' is the manifest itself. Null when there is nothing and no fallback.
 * The caller serves the id with its own tags, and does not resolve it again if it is a manifest.
 */
export function resolveManifest(manifest: Manifest, path: string): { readonly id: TxId; readonly isFallback: boolean } | null {
  const name = trimEnd(path)
  const id = name === '' ? findIndex(manifest) : manifest.paths.get(name)
  if (id !== undefined) return { id, isFallback: false }
  return manifest.fallbackId === null ? null : { id: manifest.fallbackId, isFallback: true }
}

/** Bytes of a manifest: 0.1.0 when that says it all, else 0.2.0. */
export function createManifest(fields: ManifestFields): Uint8Array {
  const { index, fallbackId } = fields
  const entries: readonly (readonly [string, TxId])[] = fields.paths instanceof Map ? [...fields.paths] : Object.entries(fields.paths)
  if (entries.length > MANIFEST_PATHS_MAX) throw tooLarge('manifest paths', entries.length, MANIFEST_PATHS_MAX)
  if (index !== undefined && 'path' in index && !entries.some(([name]) => name === index.path))
    throw new HeddleError(
      'request-invalid',
      { field: 'index' },
      `manifest: index "${clip(index.path)}" is not among its ${entries.length} paths`,
    )
  const needsSecond = fallbackId !== undefined || (index !== undefined && 'id' in index)
  return utf8(
    JSON.stringify({
      manifest: 'arweave/paths',
      version: needsSecond ? '0.2.0' : '0.1.0',
      index,
      fallback: fallbackId === undefined ? undefined : { id: fallbackId },
      paths: Object.fromEntries(entries.map(([name, id]) => [name, { id }])),
    }),
  )
}

function findIndex({ indexId, indexPath, paths }: Manifest): TxId | undefined {
  return indexId ?? (indexPath === null ? undefined : paths.get(indexPath))
}

function parsePaths(value: unknown): ReadonlyMap<string, TxId> {
  const paths = new Map<string, TxId>()
  if (value === undefined) return paths
  const entries = Object.entries(asObject(value, 'paths'))
  if (entries.length > MANIFEST_PATHS_MAX) throw tooLarge('manifest paths', entries.length, MANIFEST_PATHS_MAX)
  for (const [name, entry] of entries) {
    const id = isObject(entry) ? asId(entry['id']) : null
    const trimmed = trimEnd(name)
    // "a" wins over "a/", whichever comes first.
    if (id !== null && (trimmed === name || !paths.has(trimmed))) paths.set(trimmed, id)
  }
  return paths
}

function parseJson(bytes: Uint8Array): unknown {
  const text = toTextStrict(bytes)
  if (text === null) throw invalid('is not UTF-8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid('is not JSON', cause)
  }
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (isObject(value)) return value
  throw invalid(`has no object where ${what} should be`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asId(value: unknown): TxId | null {
  return typeof value === 'string' && isTxId(value) ? value : null
}

/** In one pass: a pattern of slashes at the end would take a second for a path of many slashes. */
function trimEnd(path: string): string {
  let end = path.length
  while (end > 0 && path[end - 1] === '/') end--
  return path.slice(0, end)
}

function tooLarge(what: string, size: number, max: number): HeddleError<'too-large'> {
  return new HeddleError('too-large', { what, size, max }, `${what}: ${size}, at most ${max} are allowed`)
}

function invalid(problem: string, cause?: unknown): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'manifest', at: 0 }, `manifest ${problem}`, { cause })
}
