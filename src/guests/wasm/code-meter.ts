/**
 * Rewrites the code of a module: counts it, keeps track of its stack and makes its NaNs canonical. meter.ts says what comes out.
 *
 * Invariants  Instructions are copied as they are; only whole sequences that leave the operand stack as they found it are put between them.
 */
import { WasmCursor, WasmWriter } from './cursor.ts'
import { OP, readInstruction, skipType } from './instructions.ts'
import { F32, F64, I32, I64, V128, type WasmLayout } from './layout.ts'
import { endsLegacyRun } from './legacy-cost.ts'
import type { LegacyMeter } from './legacy-meter.ts'

const FUNCTION_LOCALS_MAX = 50_000

/** How to make the NaN of each value type canonical: the type, its constant with the NaN, how to compare with itself, how to choose. */
interface NanRule {
  readonly type: number
  readonly constant: readonly number[]
  readonly equal: readonly number[]
  readonly choose: readonly number[]
}
const NAN32 = [0x00, 0x00, 0xc0, 0xff] // What x86 makes of 0/0.
const NAN64 = [0, 0, 0, 0, 0, 0, 0xf8, 0xff]
const SCALAR32: NanRule = { type: F32, constant: [0x43, ...NAN32], equal: [0x5b], choose: [0x1b] }
const SCALAR64: NanRule = { type: F64, constant: [0x44, ...NAN64], equal: [0x61], choose: [0x1b] }
const VECTOR32: NanRule = {
  type: V128,
  constant: [0xfd, 0x0c, ...NAN32, ...NAN32, ...NAN32, ...NAN32],
  equal: [0xfd, 0x41],
  choose: [0xfd, 0x52],
}
const VECTOR64: NanRule = { type: V128, constant: [0xfd, 0x0c, ...NAN64, ...NAN64], equal: [0xfd, 0x47], choose: [0xfd, 0x52] }

const NAN_RULES = new Map<number, NanRule>()
const rule = (value: NanRule, prefix: number, opcodes: readonly number[]): void => {
  for (const opcode of opcodes) NAN_RULES.set(prefix * 0x10000 + opcode, value)
}
rule(SCALAR32, 0, [0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0xb6]) // ceil … max, demote
rule(SCALAR64, 0, [0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xbb]) // ceil … max, promote
rule(VECTOR32, 0xfd, [0x5e, 0x67, 0x68, 0x69, 0x6a, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9])
rule(VECTOR64, 0xfd, [0x5f, 0x74, 0x75, 0x7a, 0x94, 0xef, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5])

/** Instructions whose last operand is an amount of work. */
const BULK = new Set<number>([
  OP.memoryInit,
  OP.memoryCopy,
  OP.memoryFill,
  OP.memoryGrow,
  OP.tableInit,
  OP.tableCopy,
  OP.tableGrow,
  OP.tableFill,
])
const TABLE_WRITES = new Set<number>([OP.tableSet, OP.tableInit, OP.tableCopy, OP.tableGrow, OP.tableFill])

interface Instruction {
  readonly from: number
  readonly opcode: number
  /** Copies what has not been copied yet up to `end`, and goes on behind the instruction. */
  readonly copyTo: (end: number) => void
}

/** Rewrites the code section, function by function. */
export class CodeMeter {
  changesTables = false
  dropsSegments = false
  growsMemory = false
  readonly #layout: WasmLayout
  readonly #gasGlobal: readonly number[]
  readonly #stackPointer: number | null
  readonly #stackLow: readonly number[]
  readonly #legacy: LegacyMeter | null
  readonly #body = new WasmWriter(65_536)
  /** Local variables added to the current function: type -> index. */
  #added = new Map<number, number>()
  #firstFree = 0

  constructor(
    layout: WasmLayout,
    globals: { readonly gasGlobal: number; readonly stackPointer: number | null },
    legacy: LegacyMeter | null = null,
  ) {
    this.#layout = layout
    this.#legacy = legacy
    this.#gasGlobal = encodedIndex(globals.gasGlobal)
    this.#stackPointer = globals.stackPointer
    this.#stackLow = encodedIndex(globals.gasGlobal + 1)
  }

  rewrite(section: WasmCursor): Uint8Array {
    const out = new WasmWriter((section.end - section.at) * 2)
    const count = section.u32()
    if (count !== this.#layout.functionTypes.length)
      throw section.refuse(`it declares ${this.#layout.functionTypes.length} functions and defines ${count}`)
    out.u32(count)
    for (let index = 0; index < count; index++) this.#rewriteFunction(section.slice(section.u32()), index, out)
    return out.toBytes()
  }

  #rewriteFunction(cursor: WasmCursor, index: number, out: WasmWriter): void {
    const locals = this.#readLocals(cursor, index)
    this.#body.clear()
    this.#tick()
    this.#rewriteCode(cursor)
    const header = new WasmWriter(locals.bytes.length + 32)
    header.u32(locals.groups + this.#added.size)
    header.raw(locals.bytes)
    for (const type of this.#added.keys()) {
      header.u32(1)
      header.byte(type)
    }
    out.u32(header.length + this.#body.length)
    out.raw(header.toBytes())
    out.raw(this.#body.toBytes())
  }

  #readLocals(cursor: WasmCursor, index: number): { readonly groups: number; readonly bytes: Uint8Array } {
    const groups = cursor.u32()
    const from = cursor.at
    let count = this.#layout.types[this.#layout.functionTypes[index]!]?.params.length ?? 0
    for (let left = groups; left > 0; left--) {
      count += cursor.u32()
      skipType(cursor)
    }
    if (count > FUNCTION_LOCALS_MAX) throw cursor.refuse(`function ${index} has ${count} local variables`)
    this.#firstFree = count
    this.#added = new Map()
    return { groups, bytes: cursor.bytes.subarray(from, cursor.at) }
  }

  #rewriteCode(cursor: WasmCursor): void {
    const legacyRuns = this.#legacy?.runCosts(cursor) ?? []
    let run = 0
    this.#chargeLegacy(legacyRuns[run++])
    let copied = cursor.at
    const copyTo = (end: number): void => {
      this.#body.raw(cursor.bytes.subarray(copied, end))
      copied = cursor.at
    }
    while (!cursor.isAtEnd) {
      const from = cursor.at
      const opcode = readInstruction(cursor)
      if (TABLE_WRITES.has(opcode)) this.changesTables = true
      if (opcode === OP.dataDrop || opcode === OP.elementDrop) this.dropsSegments = true
      if (opcode === OP.memoryGrow) this.growsMemory = true
      this.#rewriteInstruction(cursor, { from, opcode, copyTo })
      if (legacyRuns.length === 0 || !endsLegacyRun(opcode)) continue
      copyTo(cursor.at)
      this.#chargeLegacy(legacyRuns[run++])
    }
    copyTo(cursor.end)
  }

  /** Nothing to do for most; the others are copied up to where something is put before, behind or in place of them. */
  #rewriteInstruction(cursor: WasmCursor, { from, opcode, copyTo }: Instruction): void {
    if (opcode === OP.loop) {
      copyTo(cursor.at)
      this.#tick()
    } else if (BULK.has(opcode)) {
      copyTo(from)
      this.#chargeBulk(cursor, from, opcode)
      this.#body.raw(cursor.bytes.subarray(from, cursor.at))
    } else if (opcode === OP.globalSet && this.#setsStackPointer(cursor, from)) {
      copyTo(from)
      this.#keepLowest()
      this.#body.raw(cursor.bytes.subarray(from, cursor.at))
    } else if (opcode === OP.call && this.#legacy !== null) {
      const inlined = this.#legacy.inlineCall(this.#legacy.calledAt(cursor, from), (type) => this.#local(type))
      if (inlined === null) return
      copyTo(from)
      this.#body.raw(inlined)
    } else {
      const nan = NAN_RULES.get(opcode)
      if (nan === undefined) return
      copyTo(cursor.at)
      this.#fixNan(nan)
    }
  }

  /** One unit. The count goes through a local variable, since reading the global again would cost another load. */
  #tick(): void {
    const local = this.#local(I64)
    this.#body.raw([0x23, ...this.#gasGlobal, 0x42, 1, 0x7d, 0x22, ...local, 0x24, ...this.#gasGlobal, ...this.#check([0x20, ...local])])
  }

  #chargeLegacy(cost: number | undefined): void {
    if (cost !== undefined && cost > 0 && this.#legacy !== null) this.#body.raw(this.#legacy.charge(cost))
  }

  /** The amount is on top of the stack: keep it in a local variable, subtract amount / 32 + 1, check, put it back. */
  #chargeBulk(cursor: WasmCursor, from: number, opcode: number): void {
    const is64 = this.#amountIs64(cursor, from, opcode)
    const local = this.#local(is64 ? I64 : I32)
    const perPage = opcode === OP.memoryGrow
    this.#body.raw([0x21, ...local, 0x23, ...this.#gasGlobal, 0x20, ...local])
    if (!is64) this.#body.byte(0xad) // i64.extend_i32_u
    // A page of growth is 64 KiB: 2048 units. More than 2^29 pages cannot be asked for with success, so the shift may lose bits.
    this.#body.raw(perPage ? [0x42, 11, 0x86] : [0x42, 5, 0x88])
    this.#body.raw(perPage ? [0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0x83] : [])
    this.#body.raw([0x42, 1, 0x7c, 0x7d, 0x24, ...this.#gasGlobal, ...this.#check(), 0x20, ...local])
  }

  #setsStackPointer(cursor: WasmCursor, from: number): boolean {
    return (
      this.#stackPointer !== null && new WasmCursor(cursor.bytes, this.#layout.module, from + 1, cursor.end).u32() === this.#stackPointer
    )
  }

  /** The new stack pointer is on top of the stack and stays there. */
  #keepLowest(): void {
    const is64 = this.#layout.memories[0]?.is64 ?? false
    const local = this.#local(is64 ? I64 : I32)
    const lessUnsigned = is64 ? 0x54 : 0x49
    this.#body.raw([
      0x22,
      ...local,
      0x23,
      ...this.#stackLow,
      lessUnsigned,
      0x04,
      0x40,
      0x20,
      ...local,
      0x24,
      ...this.#stackLow,
      0x0b,
      0x20,
      ...local,
    ])
  }

  #amountIs64(cursor: WasmCursor, from: number, opcode: number): boolean {
    const operands = new WasmCursor(cursor.bytes, this.#layout.module, from, cursor.end)
    if (operands.byte() === 0xfc) operands.u32()
    const { memories, tables } = this.#layout
    const first = operands.u32()
    switch (opcode) {
      case OP.memoryInit:
      case OP.tableInit:
        return false // Segments are counted in 32 bits.
      case OP.memoryCopy:
        return (memories[first]?.is64 ?? false) && (memories[operands.u32()]?.is64 ?? false)
      case OP.tableCopy:
        return (tables[first]?.is64 ?? false) && (tables[operands.u32()]?.is64 ?? false)
      case OP.tableGrow:
      case OP.tableFill:
        return tables[first]?.is64 ?? false
      default:
        return memories[first]?.is64 ?? false
    }
  }

  /** value == value ? value : canonical NaN */
  #fixNan(nan: NanRule): void {
    const local = this.#local(nan.type)
    this.#body.raw([0x22, ...local, ...nan.constant, 0x20, ...local, 0x20, ...local, ...nan.equal, ...nan.choose])
  }

  /** Traps when the count, or the legacy one, is below zero. `count` is code that gives the count. */
  #check(count: readonly number[] = [0x23, ...this.#gasGlobal]): readonly number[] {
    const orLegacy = this.#legacy === null ? [] : [0x23, ...this.#legacy.global, 0x84]
    return [...count, ...orLegacy, 0x42, 0, 0x53, 0x04, 0x40, 0x00, 0x0b]
  }

  /** Index, encoded, of this function's scratch variable of a type. */
  #local(type: number): readonly number[] {
    let index = this.#added.get(type)
    if (index === undefined) {
      index = this.#firstFree + this.#added.size
      this.#added.set(type, index)
    }
    return encodedIndex(index)
  }
}

export function encodedIndex(index: number): readonly number[] {
  const out = new WasmWriter(8)
  out.u32(index)
  return [...out.toBytes()]
}
