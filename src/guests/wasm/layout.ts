/**
 * What the rewriter must know of a WebAssembly module before it reads the code: types, imports, memories, tables and globals.
 *
 * Source      WebAssembly core specification 3.0 (binary format, modules)
 * Invariants  Modules whose state could not be kept or whose results depend on the machine are refused: shared memory, custom page
 *             sizes, mutable globals that hold references or vectors, garbage-collected types; and those whose tables and lists of
 *             names would take room beside their memory.
 */
import type { HeddleError } from '../../base/errors.ts'
import { GUEST_MODULE_ENTRIES_MAX, GUEST_TABLE_ENTRIES_MAX } from '../../base/limits.ts'
import { WasmCursor } from './cursor.ts'
import { OP, readInstruction, skipType } from './instructions.ts'

export const SECTION = { type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, code: 10 } as const
/** Value types. */
export const I32 = 0x7f
export const I64 = 0x7e
export const F32 = 0x7d
export const F64 = 0x7c
export const V128 = 0x7b
const RESERVED_EXPORTS = 'heddle.'

export interface MemoryType {
  readonly is64: boolean
  readonly isImported: boolean
  /** Pages of 64 KiB. */
  readonly min: bigint
  readonly max: bigint | null
}
export interface TableType {
  readonly is64: boolean
  /** Entries. */
  readonly min: bigint
}
export interface GlobalType {
  readonly type: number
  readonly isMutable: boolean
  readonly isImported: boolean
}

/** Value types by their byte; of a reference that takes more bytes, the first one. */
export interface FunctionType {
  readonly params: readonly number[]
  readonly results: readonly number[]
}
export interface FunctionImport extends FunctionType {
  readonly module: string
  readonly name: string
}
export interface FunctionExport extends FunctionType {
  readonly name: string
}

export interface WasmLayout {
  readonly module: string
  /** Section id -> its content. Custom sections are left out. */
  readonly sections: ReadonlyMap<number, WasmCursor>
  readonly types: readonly FunctionType[]
  /** In the order of their function indices, which begin at 0. */
  readonly functionImports: readonly FunctionImport[]
  readonly functionExports: readonly FunctionExport[]
  /** Type index of each function that the module defines. */
  readonly functionTypes: readonly number[]
  readonly memories: readonly MemoryType[]
  readonly tables: readonly TableType[]
  readonly globals: readonly GlobalType[]
  refuse(reason: string): HeddleError<'module-unsupported'>
}

export function readLayout(bytes: Uint8Array, module: string): WasmLayout {
  const cursor = new WasmCursor(bytes, module)
  const sections = readSections(cursor)
  const found = {
    types: [] as FunctionType[],
    functionImports: [] as FunctionImport[],
    functionExports: [] as FunctionExport[],
    functionTypes: [] as number[],
    memories: [] as MemoryType[],
    tables: [] as TableType[],
    globals: [] as GlobalType[],
  }
  const each = (id: number, read: (section: WasmCursor) => void): void => {
    const section = sections.get(id)
    if (section === undefined) return
    const start = section.at
    const count = section.u32()
    const isNamed = id === SECTION.import || id === SECTION.export || id === SECTION.global
    if (isNamed && count > GUEST_MODULE_ENTRIES_MAX)
      throw section.refuse(`section ${id} has ${count} entries, at most ${GUEST_MODULE_ENTRIES_MAX} are allowed`)
    for (let left = count; left > 0; left--) read(section)
    section.at = start
  }
  each(SECTION.type, (section) => found.types.push(readFunctionType(section)))
  each(SECTION.import, (section) => readImport(section, found))
  each(SECTION.function, (section) => found.functionTypes.push(section.u32()))
  each(SECTION.table, (section) => found.tables.push(readTable(section)))
  each(SECTION.memory, (section) => found.memories.push(readMemory(section, false)))
  each(SECTION.global, (section) => found.globals.push(readGlobal(section)))
  each(SECTION.export, (section) => readExport(section, found))
  const entries = found.tables.reduce((sum, { min }) => sum + min, 0n)
  if (entries > GUEST_TABLE_ENTRIES_MAX)
    throw cursor.refuse(`its tables begin with ${entries} entries, at most ${GUEST_TABLE_ENTRIES_MAX} are allowed`)
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

function readFunctionType(section: WasmCursor): FunctionType {
  const form = section.byte()
  if (form !== 0x60)
    throw section.refuse('it defines garbage-collected types, whose values live outside of its memory and could not be kept')
  return { params: readTypes(section), results: readTypes(section) }
}

function readTypes(section: WasmCursor): readonly number[] {
  const types: number[] = []
  for (let left = section.u32(); left > 0; left--) {
    types.push(section.bytes[section.at] ?? 0)
    skipType(section)
  }
  return types
}

interface Found {
  readonly types: readonly FunctionType[]
  readonly functionImports: FunctionImport[]
  readonly functionTypes: readonly number[]
  readonly functionExports: FunctionExport[]
  readonly memories: MemoryType[]
  readonly tables: TableType[]
  readonly globals: GlobalType[]
}

function readImport(section: WasmCursor, found: Found): void {
  const module = section.name()
  const name = section.name()
  const kind = section.byte()
  switch (kind) {
    case 0: {
      const index = section.u32()
      const type = found.types[index]
      if (type === undefined) throw section.refuse(`its import ${module}.${name} has the type ${index}, which is not there`)
      found.functionImports.push({ module, name, ...type })
      return
    }
    case 1:
      found.tables.push(readTableType(section))
      return
    case 2:
      found.memories.push(readMemory(section, true))
      return
    case 3: {
      const type = section.bytes[section.at] ?? 0
      skipType(section)
      found.globals.push({ type, isMutable: section.byte() === 1, isImported: true })
      return
    }
    case 4:
      section.byte()
      section.u32()
      return
    default:
      throw section.refuse(`an import of kind ${kind} is not known`)
  }
}

function readExport(section: WasmCursor, { types, functionImports, functionTypes, functionExports }: Found): void {
  const name = section.name()
  if (name.startsWith(RESERVED_EXPORTS)) throw section.refuse(`it exports "${name}", a name kept for the host`)
  const isFunction = section.byte() === 0
  const index = section.u32()
  if (!isFunction) return
  const type = functionImports[index] ?? types[functionTypes[index - functionImports.length] ?? -1]
  if (type === undefined) throw section.refuse(`its export "${name}" is a function that is not there`)
  functionExports.push({ name, params: type.params, results: type.results })
}

function readTable(section: WasmCursor): TableType {
  const hasInitialValue = section.bytes[section.at] === 0x40
  if (hasInitialValue) section.skip(2)
  const table = readTableType(section)
  if (hasInitialValue) skipExpression(section)
  return table
}

function readTableType(section: WasmCursor): TableType {
  skipType(section)
  return readLimits(section)
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
  return { type, isMutable, isImported: false }
}

function skipExpression(section: WasmCursor): void {
  while (readInstruction(section) !== OP.end);
}
