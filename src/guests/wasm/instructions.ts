/**
 * Steps over WebAssembly instructions one by one, whatever their immediates.
 *
 * Wire        one opcode byte, or a prefix byte and a LEB128 number; then immediates
 * Source      WebAssembly core specification 3.0 (binary format), legacy exception handling proposal
 * Invariants  An instruction that is not known here is refused, never guessed. Refused with a reason are those whose result depends on
 *             the machine (relaxed SIMD, threads) or whose state lives outside of linear memory (garbage-collected types).
 */
import type { WasmCursor } from './cursor.ts'

/** Prefixed instructions have the number prefix * 65536 + sub-opcode. */
export const OP = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  globalSet: 0x24,
  tableSet: 0x26,
  memoryGrow: 0x40,
  memoryInit: 0xfc0008,
  dataDrop: 0xfc0009,
  memoryCopy: 0xfc000a,
  memoryFill: 0xfc000b,
  tableInit: 0xfc000c,
  elementDrop: 0xfc000d,
  tableCopy: 0xfc000e,
  tableGrow: 0xfc000f,
  tableFill: 0xfc0011,
} as const

/** Reads the instruction at the cursor and steps over it; returns its number. */
export function readInstruction(cursor: WasmCursor): number {
  const opcode = cursor.byte()
  if (opcode >= 0x45 && opcode <= 0xc4) return opcode // Numeric: no immediates. Most common, so first.
  if (opcode >= 0x28 && opcode <= 0x3e) {
    skipMemoryArgument(cursor)
    return opcode
  }
  if (opcode === 0xfc || opcode === 0xfd) return readPrefixed(cursor, opcode)
  skipPlain(cursor, opcode)
  return opcode
}

function skipPlain(cursor: WasmCursor, opcode: number): void {
  switch (opcode) {
    case 0x00: // unreachable
    case 0x01: // nop
    case 0x05: // else
    case 0x0a: // throw_ref
    case 0x0b: // end
    case 0x0f: // return
    case 0x19: // catch_all
    case 0x1a: // drop
    case 0x1b: // select
    case 0xd1: // ref.is_null
    case 0xd4: // ref.as_non_null
      return
    case 0x02: // block
    case 0x03: // loop
    case 0x04: // if
    case 0x06: // try
      skipType(cursor)
      return
    case 0x07: // catch
    case 0x08: // throw
    case 0x09: // rethrow
    case 0x0c: // br
    case 0x0d: // br_if
    case 0x10: // call
    case 0x12: // return_call
    case 0x14: // call_ref
    case 0x15: // return_call_ref
    case 0x18: // delegate
    case 0x20: // local.get
    case 0x21: // local.set
    case 0x22: // local.tee
    case 0x23: // global.get
    case 0x24: // global.set
    case 0x25: // table.get
    case 0x26: // table.set
    case 0x3f: // memory.size
    case 0x40: // memory.grow
    case 0x41: // i32.const
    case 0x42: // i64.const
    case 0xd0: // ref.null
    case 0xd2: // ref.func
    case 0xd5: // br_on_null
    case 0xd6: // br_on_non_null
      cursor.skipLeb()
      return
    case 0x11: // call_indirect
    case 0x13: // return_call_indirect
      cursor.skipLeb()
      cursor.skipLeb()
      return
    case 0x0e: // br_table
      for (let left = cursor.u32() + 1; left > 0; left--) cursor.skipLeb()
      return
    case 0x1c: // select with types
      for (let left = cursor.u32(); left > 0; left--) skipType(cursor)
      return
    case 0x1f: // try_table
      skipType(cursor)
      for (let left = cursor.u32(); left > 0; left--) skipCatch(cursor)
      return
    case 0x43: // f32.const
      cursor.skip(4)
      return
    case 0x44: // f64.const
      cursor.skip(8)
      return
    case 0xd3:
    case 0xfb:
      throw cursor.refuse('it uses garbage-collected types, whose values live outside of its memory and could not be kept')
    case 0xfe:
      throw cursor.refuse('it uses threads (atomic instructions), whose results depend on timing')
    default:
      throw cursor.refuse(`instruction 0x${opcode.toString(16)} at byte ${cursor.at - 1} is not known`)
  }
}

/** A block type or value type: one signed number, or `ref` / `ref null` and a heap type. */
export function skipType(cursor: WasmCursor): void {
  const first = cursor.bytes[cursor.at]
  if (first === 0x63 || first === 0x64) cursor.skip(1)
  cursor.skipLeb()
}

function skipCatch(cursor: WasmCursor): void {
  const kind = cursor.byte()
  if (kind > 3) throw cursor.refuse(`catch clause ${kind} is not known`)
  if (kind < 2) cursor.skipLeb()
  cursor.skipLeb()
}

/** Alignment, memory index if bit 6 of the alignment says so, offset. */
function skipMemoryArgument(cursor: WasmCursor): void {
  const flags = cursor.u32()
  if ((flags & 0x40) !== 0) cursor.skipLeb()
  cursor.skipLeb()
}

function readPrefixed(cursor: WasmCursor, prefix: number): number {
  const sub = cursor.u32()
  if (prefix === 0xfc) skipMiscellaneous(cursor, sub)
  else skipVector(cursor, sub)
  return prefix * 0x10000 + sub
}

function skipMiscellaneous(cursor: WasmCursor, sub: number): void {
  if (sub <= 7) return // saturating conversions
  if (sub > 17) throw cursor.refuse(`instruction 0xfc ${sub} is not known`)
  cursor.skipLeb()
  if (sub === 8 || sub === 10 || sub === 12 || sub === 14) cursor.skipLeb() // init and copy name two things
}

function skipVector(cursor: WasmCursor, sub: number): void {
  if (sub >= 0x100) throw cursor.refuse('it uses relaxed SIMD, whose results depend on the processor')
  const hasLane = sub >= 84 && sub <= 91
  if (sub <= 11 || sub === 92 || sub === 93 || hasLane) skipMemoryArgument(cursor)
  if (sub === 12 || sub === 13) cursor.skip(16) // v128.const, i8x16.shuffle
  if (hasLane || (sub >= 21 && sub <= 34)) cursor.skip(1) // lane of a load, store, extract or replace
}
