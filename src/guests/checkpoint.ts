/**
 * Checkpoints as compute units of the first network keep them: the whole linear memory of a process, and nothing else.
 *
 * Wire        gzip of the memory, from address 0 to its end; the item's SHA-256 tag is of what is inside
 * Source      permaweb/ao servers/cu (effects/ao-process.js); engines there take memory in and out with each message, so that a checkpoint says
 *             nothing of globals: all of them are at rest between messages.
 * Invariants  A checkpoint is untrusted: its size is bounded before it is unpacked, whatever its header says.
 */

import { promisify } from 'node:util'
import { gunzipSync, gzip } from 'node:zlib'
import { toHex } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { type GuestEnv, GuestFault, type GuestInstance, type GuestProgram } from './guest.ts'

const GZIP_MAGIC = [0x1f, 0x8b]
const PAGE_BYTES = 65_536

export function isCheckpoint(bytes: Uint8Array): boolean {
  return GZIP_MAGIC.every((byte, at) => bytes[at] === byte)
}

/** An instance that goes on from what was kept: a snapshot of this program, or a checkpoint of another unit. */
export function thawKept(program: GuestProgram, kept: Uint8Array, env: GuestEnv, memoryBytesMax: number): GuestInstance {
  if (!isCheckpoint(kept)) return program.thaw(kept, env)
  if (program.adopt === undefined) throw invalid(`is of another kind of program than module ${program.module}, which keeps no bare memory`)
  try {
    return program.adopt(unpackCheckpoint(kept, { memoryBytesMax }), env)
  } catch (error) {
    throw error instanceof GuestFault ? invalid(`does not fit module ${program.module}: ${error.message}`, error) : error
  }
}

/** The memory inside. `sha256Hex`: what it must be. */
export function unpackCheckpoint(
  checkpoint: Uint8Array,
  { memoryBytesMax, sha256Hex }: { readonly memoryBytesMax: number; readonly sha256Hex?: string },
): Uint8Array {
  const memory = gunzip(checkpoint, memoryBytesMax)
  if (memory.length === 0 || memory.length % PAGE_BYTES !== 0)
    throw invalid(`holds ${memory.length} bytes, which is no memory: pages have ${PAGE_BYTES}`)
  if (sha256Hex === undefined) return memory
  const actual = toHex(sha256(memory))
  if (actual !== sha256Hex.toLowerCase()) throw invalid(`holds a memory with the SHA-256 ${actual}, it should be ${sha256Hex}`)
  return memory
}

/** For others to go on from. Works in the background. */
export function packCheckpoint(memory: Uint8Array): Promise<Uint8Array> {
  return promisify(gzip)(memory, { level: 9 })
}

function gunzip(checkpoint: Uint8Array, sizeMax: number): Uint8Array {
  try {
    return gunzipSync(checkpoint, { maxOutputLength: sizeMax })
  } catch (cause) {
    const isTooLarge = (cause as { readonly code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
    throw invalid(isTooLarge ? `holds more than ${sizeMax} bytes, which is all that the process may have here` : 'is no sound gzip', cause)
  }
}

function invalid(problem: string, cause?: unknown): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'checkpoint', at: 0 }, `the checkpoint ${problem}`, { cause })
}
