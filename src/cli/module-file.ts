/** From a file to a module: what runs it, and whether it starts. */
import { extname } from 'node:path'
import { toBase64url, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { parseTxId } from '../base/ids.ts'
import { MODULE_BYTES_MAX } from '../base/limits.ts'
import { bootModule, detectFormat, isWasm } from '../guests/detect-format.ts'
import { CommandError, UsageError } from './command.ts'
import { readFileOf, statOf } from './files.ts'
import { formatBytes } from './output.ts'
import { isProcessSource, JS_FORMAT, readProcessSource } from './process-source.ts'

export interface ModuleFile {
  readonly format: string
  readonly contentType: string
  readonly sizeBytes: number
  /** Null when the file is uploaded as it stands. */
  readonly data: string | null
}

const LUA_FORMAT = 'heddle-lua-1'

/** Everything that can be wrong is found before anything is uploaded. `format`: null detects it. */
export async function readModuleFile(path: string, format: string | null): Promise<ModuleFile> {
  const { size } = await statOf(path)
  if (Number(size) > MODULE_BYTES_MAX)
    throw new CommandError('too-large', `${path} has ${formatBytes(Number(size))}, a module has at most ${formatBytes(MODULE_BYTES_MAX)}`)
  if (isProcessSource(path) && (format === null || format === JS_FORMAT)) {
    const data = readProcessSource(path)
    return { format: JS_FORMAT, contentType: 'application/json', sizeBytes: utf8(data).length, data }
  }
  const bytes = await readFileOf(path)
  const module = { id: parseTxId(toBase64url(sha256(bytes))), bytes }
  try {
    const found = format ?? usualFormat(path, bytes) ?? detectFormat(module)
    bootModule({ ...module, format: found })
    return { format: found, contentType: contentTypeOf(path, bytes), sizeBytes: bytes.length, data: null }
  } catch (error) {
    if (error instanceof HeddleError)
      throw new CommandError(error.code, error.message.replaceAll(`module ${module.id}`, path), { cause: error })
    throw error
  }
}

/** Null for what the bytes tell. */
function usualFormat(path: string, bytes: Uint8Array): string | null {
  if (isWasm(bytes)) return null
  if (extname(path) === '.lua') return LUA_FORMAT
  throw new UsageError(`${path} is neither WebAssembly nor .lua, .js or .ts; if it is a module all the same, name its format with --format`)
}

function contentTypeOf(path: string, bytes: Uint8Array): string {
  if (isWasm(bytes)) return 'application/wasm'
  return extname(path) === '.lua' ? 'text/x-lua' : 'application/octet-stream'
}
