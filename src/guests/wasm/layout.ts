/**
 * What the rewriter must know of a WebAssembly module before it reads the code: types, imports, memories, tables and globals.
 *
 * Source      WebAssembly core specification 3.0 (binary format, modules)
 * Invariants  Modules whose state could not be kept or whose results depend on the machine are refused: shared memory, custom page
 *             sizes, mutable globals that hold references or vectors, garbage-collected types.
 */
import type { HeddleError } from '../../base/errors.ts'
import { WasmCursor } from './cursor.ts'
import { OP, readInstruction, skipType } from './instructions.ts'

export const SECTION = { type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, code: 10 } as const
/** Value types. */
export const I32 = 0x7f
export const I64 = 0x7e
const RESERVED_EXPORTS = 'heddle.'

export interface MemoryType {
  readonly is64: boolean
  readonly isImported: boolean
  /** Pages of 64 KiB. */
  readonly min: bigint
  readonly max: bigint | null
}
export interface GlobalType {
  readonly isMutable: boolean
  readonly isImported: boolean
}

export interface WasmLayout {
  readonly module: string
  /** Section id -> its content. Custom sections are left out. */
  readonly sections: ReadonlyMap<number, WasmCursor>
  /** By type index. */
  readonly parameterCounts: readonly number[]
  /** Type index of each function that the module defines. */
  readonly functionTypes: readonly number[]
  readonly memories: readonly MemoryType[]
  readonly tables: readonly { readonly is64: boolean }[]
  readonly globals: readonly GlobalType[]
  refuse(reason: string): HeddleError<'module-unsupported'>
}

export function readLayout(bytes: Uint8Array, module: string): WasmLayout {
  const cursor = new WasmCursor(bytes, module)
  const sections = readSections(cursor)
  const found = {
    parameterCounts: [] as number[],
    functionTypes: [] as number[],
    memories: [] as MemoryType[],
    tables: [] as { is64: boolean }[],
    globals: [] as GlobalType[],
  }
  const each = (id: number, read: (section: WasmCursor) => void): void => {
    const section = sections.get(id)
    if (section === undefined) return
    const start = section.at
    for (let left = section.u32(); left > 0; left--) read(section)
    section.at = start
  }
  each(SECTION.type, (section) => found.parameterCounts.push(readFunctionType(section)))
  each(SECTION.import, (section) => readImport(section, found))
  each(SECTION.function, (section) => found.functionTypes.push(section.u32()))
  each(SECTION.table, (section) => found.tables.push(readTable(section)))
  each(SECTION.memory, (section) => found.memories.push(readMemory(section, false)))
  each(SECTION.global, (section) => found.globals.push(readGlobal(section)))
  each(SECTION.export, (section) => {
    const name = section.name()
    if (name.startsWith(RESERVED_EXPORTS)) throw section.refuse(`it exports "${name}", a name kept for the host`)
    section.byte()
    section.u32()
  })
  return { module, sections, ...found, refuse: (reason) => cursor.refuse(reason) }
}

function readSections(cursor: WasmCursor): Map<number, WasmCursor> {
  const magic = Buffer.from(cursor.take(8)).toString('hex')
  if (magic !== '0061736d01000000') throw cursor.refuse('it is not a WebAssembly 1.0 binary')
  const sections = new Map<number, WasmCursor>()
  while (!cursor.isAtEnd) {
    const id = cursor.byte()
    const body = cursor.slice(cursor.u32())
    if (id === 0) continue
    if (id > 13 || sections.has(id)) throw cursor.refuse(`section ${id} is unknown or there twice`)
    sections.set(id, body)
  }
  return sections
}

function readFunctionType(section: WasmCursor): number {
  const form = section.byte()
  if (form !== 0x60)
    throw section.refuse('it defines garbage-collected types, whose values live outside of its memory and could not be kept')
  const count = section.u32()
  for (let left = count; left > 0; left--) skipType(section)
  for (let left = section.u32(); left > 0; left--) skipType(section)
  return count
}

interface Found {
  readonly memories: MemoryType[]
  readonly tables: { is64: boolean }[]
  readonly globals: GlobalType[]
}

function readImport(section: WasmCursor, found: Found): void {
  section.name()
  section.name()
  const kind = section.byte()
  switch (kind) {
    case 0:
      section.u32()
      return
    case 1:
      found.tables.push(readTableType(section))
      return
    case 2:
      found.memories.push(readMemory(section, true))
      return
    case 3:
      skipType(section)
      found.globals.push({ isMutable: section.byte() === 1, isImported: true })
      return
    case 4:
      section.byte()
      section.u32()
      return
    default:
      throw section.refuse(`an import of kind ${kind} is not known`)
  }
}

function readTable(section: WasmCursor): { is64: boolean } {
  const hasInitialValue = section.bytes[section.at] === 0x40
  if (hasInitialValue) section.skip(2)
  const table = readTableType(section)
  if (hasInitialValue) skipExpression(section)
  return table
}

function readTableType(section: WasmCursor): { is64: boolean } {
  skipType(section)
  const limits = readLimits(section)
  return { is64: limits.is64 }
}

function readMemory(section: WasmCursor, isImported: boolean): MemoryType {
  return { ...readLimits(section), isImported }
}

function readLimits(section: WasmCursor): { readonly is64: boolean; readonly min: bigint; readonly max: bigint | null } {
  const flags = section.byte()
  if ((flags & 0x02) !== 0) throw section.refuse('it uses threads (shared memory), whose results depend on timing')
  if ((flags & ~0x05) !== 0) throw section.refuse(`limits with flags ${flags} are not known`)
  const min = section.u64()
  return { is64: (flags & 0x04) !== 0, min, max: (flags & 0x01) !== 0 ? section.u64() : null }
}

function readGlobal(section: WasmCursor): GlobalType {
  const type = section.bytes[section.at] ?? 0
  skipType(section)
  const isMutable = section.byte() === 1
  const isNumber = type >= 0x7c && type <= 0x7f
  if (isMutable && !isNumber) throw section.refuse('it has a mutable global that is not a plain number, which could not be kept')
  skipExpression(section)
  return { isMutable, isImported: false }
}

function skipExpression(section: WasmCursor): void {
  while (readInstruction(section) !== OP.end);
}
