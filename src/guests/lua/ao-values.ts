/**
 * Values between JavaScript and modules of `lua@5.3a`, and the bytes of calls to them.
 *
 * Wire        see prelude-ao.ts and value-codec.ts
 * Invariants  Integers are bigints and floats are numbers, both ways. Text that is not UTF-8 is bytes. An empty table is an empty map.
 *             A map with the keys 1 to n is a list. Atoms come as strings, true and false as booleans; nil is null.
 */
import { concat, utf8 } from '../../base/bytes.ts'
import { encodeExactValues, ValueReader } from '../value-codec.ts'

export type LuaValue = null | boolean | bigint | number | string | Uint8Array | readonly LuaValue[] | LuaMap
export interface LuaMap {
  readonly [key: string]: LuaValue | undefined
}

export interface AoCall {
  /** Name of a global function. */
  readonly function: string
  readonly parameters: readonly LuaValue[]
  /** What os.time and os.date tell; zero when it is left out. */
  readonly timeMs?: number
}

/** What a module asks in the middle of a call: `ao.resolve(…)` and its kin. */
export interface AoRequest {
  readonly name: string
  readonly args: readonly LuaValue[]
}

/** A function that a failed call was in; `line` is `module:number`. */
export interface AoTraceEntry {
  readonly function: string
  readonly line: string
}

export function encodeAoCall({ function: name, parameters, timeMs = 0 }: AoCall): Uint8Array {
  const values = encodeExactValues(parameters)
  const time = new DataView(new ArrayBuffer(8))
  time.setBigInt64(0, BigInt(Math.floor(timeMs)), true)
  return concat([sized(utf8(name)), values.subarray(0, 4), new Uint8Array(time.buffer), values.subarray(4)])
}

export function encodeAoAnswer(values: readonly LuaValue[]): Uint8Array {
  return encodeExactValues(values)
}

export function decodeAoValues(payload: Uint8Array): readonly LuaValue[] {
  return new ValueReader(payload, { exact: true }).values() as LuaValue[]
}

export function decodeAoRequest(payload: Uint8Array): AoRequest {
  const reader = new ValueReader(payload, { exact: true })
  return { name: String(reader.text()), args: reader.values() as LuaValue[] }
}

export function decodeAoFault(payload: Uint8Array): { readonly body: LuaValue; readonly trace: readonly AoTraceEntry[] } {
  const reader = new ValueReader(payload, { exact: true })
  const body = reader.value() as LuaValue
  const trace = reader.value()
  return { body, trace: Array.isArray(trace) ? trace.map(traceEntry) : [] }
}

/** Names in sources may be any bytes. */
function traceEntry(entry: Record<string, unknown>): AoTraceEntry {
  const text = (value: unknown): string => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value))
  return { function: text(entry['function']), line: text(entry['line']) }
}

/** Bytes after their size. */
export function sized(bytes: Uint8Array): Uint8Array {
  const size = new DataView(new ArrayBuffer(4))
  size.setUint32(0, bytes.length, true)
  return concat([new Uint8Array(size.buffer), bytes])
}
