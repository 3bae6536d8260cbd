/**
 * What a process may use, from the tags of process and module and the bounds of the node.
 *
 * Wire        Memory-Limit  a size such as 512-mb, 1-gb, 1.5gb or a count of bytes: what a memory may grow to
 *             Compute-Limit  a count of the gas of AO's first network. Formats that count that gas end a message there. The others have our
 *             own units only: one of them is worth some 3,600 of those in aos, and 1,000 here, so that ours is never the tighter limit.
 * Source      permaweb/ao servers/cu (a process's tag before the module's; hyphens in sizes are skipped)
 * Invariants  Never more than the node gives, and never so little memory that no program would start. A tag that cannot be read counts as none:
 *             processes were made with such tags.
 */
import { findTag } from '../codec/tags.ts'
import type { GuestEnv, GuestLimits } from './guest.ts'

const SIZE = /^(\d+(?:\.\d+)?)(b|kb|mb|gb|tb|pb)?$/i
const UNITS = ['b', 'kb', 'mb', 'gb', 'tb', 'pb']
const LEGACY_GAS_PER_UNIT = 1000
const MEMORY_BYTES_MIN = 16 * 1024 * 1024

export function limitsOf({ Process, Module }: GuestEnv, node: GuestLimits): GuestLimits {
  const tag = (name: string): string | undefined => findTag(Process.Tags, name) ?? findTag(Module.Tags, name)
  const memoryBytes = parseSize(tag('Memory-Limit'))
  const compute = parseCount(tag('Compute-Limit'))
  return {
    ...node,
    memoryBytesMax: Math.min(node.memoryBytesMax, Math.max(MEMORY_BYTES_MIN, memoryBytes ?? node.memoryBytesMax)),
    gasMax: Math.min(node.gasMax, compute === null ? node.gasMax : Math.ceil(compute / LEGACY_GAS_PER_UNIT)),
    ...(compute === null ? {} : { legacyGasMax: compute }),
  }
}

function parseSize(text: string | undefined): number | null {
  const match = SIZE.exec((text ?? '').replaceAll('-', '').trim())
  if (match === null) return null
  const bytes = Math.floor(Number(match[1]) * 1024 ** UNITS.indexOf((match[2] ?? 'b').toLowerCase()))
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null
}

function parseCount(text: string | undefined): number | null {
  const count = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN
  return Number.isSafeInteger(count) && count > 0 ? count : null
}
