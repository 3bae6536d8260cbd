/**
 * The reply of a process with handlers, from the interpreter's memory straight to the node's form: the way that nearly all replies take.
 *
 * Wire        in: `=`, the count of the fields, and the fields that processes/js/outbox.js lists, joined by NUL; out: value-codec.ts
 * Invariants  Gives exactly the bytes that js-values.ts makes of the same fields, or null for what only that one can do: fields that hold NULs or
 *             text that is not UTF-8, bytes, assignments, and whatever is malformed.
 */
import { isUtf8 } from 'node:buffer'
import { KIND } from '../value-codec.ts'

const EQUALS = 0x3d
const MARK = { message: 0x6d, spawn: 0x73, noTarget: 0x2d, noData: 0x6e } as const
const DIGIT_0 = 0x30
const OUTPUT_FIELDS = 3
/** Of an entry, before its tags. */
const HEAD_FIELDS = 5
/** More than is ever added to a field, or to what stands around the lists. */
const ADDED_BYTES_MAX = 64
const SHORT_BYTES_MAX = 48
const SCRATCH_KEPT_BYTES_MAX = 4 * 1024 * 1024

const KEY = { target: key('Target'), data: key('Data'), anchor: key('Anchor'), tags: key('Tags'), prompt: key('prompt') }
const OUTPUT_DATA = key('data')
const PRINT_TRUE = Buffer.concat([key('print'), Buffer.of(KIND.true)])
const EVAL_BYTES = 4 // The kind of output is `eval` or `print`.

/** Buffers of the thread, reused: results are copied out of them. */
let ends = new Int32Array(1024)
let out = Buffer.allocUnsafeSlow(64 * 1024)
let at = 0

function key(name: string): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(name.length)
  return Buffer.concat([size, Buffer.from(name)])
}

export function transcodeReply(memory: Buffer, from: number, to: number): Uint8Array | null {
  if (memory[from] !== EQUALS || !isUtf8(memory.subarray(from, to))) return null
  const count = findFields(memory, from, to)
  if (count < OUTPUT_FIELDS || number(memory, from + 1, ends[0]!) !== count) return null
  if (out.length < to - from + (count + 1) * ADDED_BYTES_MAX) out = Buffer.allocUnsafeSlow((to - from + (count + 1) * ADDED_BYTES_MAX) * 2)
  const messages = entriesOf(memory, count, MARK.message)
  const spawns = entriesOf(memory, count, MARK.spawn)
  if (messages === null || spawns === null) return null
  at = 0
  writeOutput(memory)
  writeEntries(memory, messages)
  writeEntries(memory, spawns)
  writeCount(KIND.list, 0)
  out[at++] = KIND.nil
  const values = new Uint8Array(at)
  values.set(out.subarray(0, at))
  if (out.length > SCRATCH_KEPT_BYTES_MAX) out = Buffer.allocUnsafeSlow(64 * 1024)
  return values
}

/** Fills `ends` with where the count and each field end; gives how many fields there are. */
function findFields(memory: Buffer, from: number, to: number): number {
  let found = 0
  for (let i = from; i <= to; i++) {
    if (i !== to && memory[i] !== 0) continue
    if (found === ends.length) {
      const more = new Int32Array(found * 2)
      more.set(ends)
      ends = more
    }
    ends[found++] = i
  }
  return found - 1
}

/** Where field `index` begins; it ends at `ends[index + 1]`. */
function startOf(index: number): number {
  return ends[index]! + 1
}

/** Decimal digits; -1 when there are others, or none. */
function number(memory: Buffer, from: number, to: number): number {
  if (from === to || to - from > 9) return -1
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = memory[i]! - DIGIT_0
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** First fields of the entries of a kind; null when there is one that this way cannot take. */
function entriesOf(memory: Buffer, count: number, kind: number): number[] | null {
  const found: number[] = []
  for (let index = OUTPUT_FIELDS; index < count; ) {
    const mark = memory[startOf(index)]!
    if (mark !== MARK.message && mark !== MARK.spawn) return null
    for (let i = startOf(index) + 1; i < ends[index + 1]!; i++) if (memory[i] !== MARK.noTarget && memory[i] !== MARK.noData) return null
    if (index + HEAD_FIELDS > count) return null
    const tags = number(memory, startOf(index + 4), ends[index + 5]!)
    if (tags < 0 || tags > (count - index - HEAD_FIELDS) / 2) return null
    if (mark === kind) found.push(index)
    index += HEAD_FIELDS + 2 * tags
  }
  return found
}

function writeOutput(memory: Buffer): void {
  const isEval = ends[3]! - startOf(2) === EVAL_BYTES
  writeCount(KIND.map, isEval ? 2 : 3)
  writeBytes(OUTPUT_DATA)
  writeString(memory, 0)
  writeBytes(KEY.prompt)
  writeString(memory, 1)
  if (!isEval) writeBytes(PRINT_TRUE)
}

function writeEntries(memory: Buffer, entries: readonly number[]): void {
  writeCount(KIND.list, entries.length)
  for (const index of entries) writeEntry(memory, index)
}

function writeEntry(memory: Buffer, index: number): void {
  const mark = memory[startOf(index)]!
  let hasTarget = mark === MARK.message
  let hasData = true
  for (let i = startOf(index) + 1; i < ends[index + 1]!; i++) {
    if (memory[i] === MARK.noTarget) hasTarget = false
    else hasData = false
  }
  writeCount(KIND.map, 2 + Number(hasTarget) + Number(hasData))
  if (hasTarget) {
    writeBytes(KEY.target)
    writeString(memory, index + 1)
  }
  if (hasData) {
    writeBytes(KEY.data)
    writeString(memory, index + 2)
  }
  writeBytes(KEY.anchor)
  writeString(memory, index + 3)
  writeBytes(KEY.tags)
  const tags = number(memory, startOf(index + 4), ends[index + 5]!)
  writeCount(tags === 0 ? KIND.list : KIND.tags, tags)
  for (let i = index + HEAD_FIELDS; i < index + HEAD_FIELDS + 2 * tags; i++) writeText(memory, i)
}

function writeString(memory: Buffer, index: number): void {
  out[at++] = KIND.string
  writeText(memory, index)
}

/** Size and content. */
function writeText(memory: Buffer, index: number): void {
  const from = startOf(index)
  const to = ends[index + 1]!
  writeU32(to - from)
  if (to - from > SHORT_BYTES_MAX) {
    memory.copy(out, at, from, to)
    at += to - from
  } else for (let i = from; i < to; i++) out[at++] = memory[i]!
}

function writeCount(kind: number, count: number): void {
  out[at++] = kind
  writeU32(count)
}

function writeU32(value: number): void {
  out[at] = value
  out[at + 1] = value >>> 8
  out[at + 2] = value >>> 16
  out[at + 3] = value >>> 24
  at += 4
}

function writeBytes(bytes: Buffer): void {
  for (const byte of bytes) out[at++] = byte
}
