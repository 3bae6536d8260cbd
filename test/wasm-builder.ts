/**
 * Assembles small WebAssembly modules for tests: sections from plain objects, bodies from raw opcodes.
 *
 *   buildWasm({
 *     memory: { pages: 1 },
 *     functions: [{ export: 'handle', params: ['i32', 'i32'], results: ['i32'], code: [...op.i32(1024)] }],
 *     data: [{ at: 1024, bytes: text('{"ok":true}\0') }],
 *   })
 *
 * Source      WebAssembly core specification, binary format
 * Invariants  Imported functions come first in the index space of functions, as the format says. `code` is without locals and final `end`.
 */
export type WasmType = 'i32' | 'i64' | 'f32' | 'f64'

export interface WasmFunction {
  readonly params?: readonly WasmType[]
  readonly results?: readonly WasmType[]
  readonly locals?: readonly WasmType[]
  readonly code?: readonly number[]
  readonly export?: string
}

export interface WasmSpec {
  /** Functions only. */
  readonly imports?: readonly {
    readonly module: string
    readonly name: string
    readonly params?: readonly WasmType[]
    readonly results?: readonly WasmType[]
  }[]
  readonly functions?: readonly WasmFunction[]
  /** Exported as `memory` unless `export` says otherwise; null for not at all. */
  readonly memory?: {
    readonly pages: number
    readonly pagesMax?: number
    readonly is64?: boolean
    readonly isShared?: boolean
    readonly export?: string | null
  }
  readonly globals?: readonly {
    readonly type: WasmType
    readonly value: number | bigint
    readonly isMutable?: boolean
    readonly export?: string
  }[]
  /** A table of functions, exported as `__indirect_function_table`; entries are function indices, from slot 0 on. */
  readonly table?: readonly number[]
  readonly tableExport?: string
  readonly data?: readonly { readonly at: number; readonly bytes: Uint8Array }[]
  /** Function that runs at instantiation. */
  readonly start?: number
}

const TYPE: Record<WasmType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c }
const CONST: Record<WasmType, number> = { i32: 0x41, i64: 0x42, f32: 0x43, f64: 0x44 }
const END = 0x0b
const SECTION = { type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, start: 8, element: 9, code: 10, data: 11 }
const KIND = { function: 0, table: 1, memory: 2, global: 3 }

/** Unsigned LEB128. */
export function leb(value: number | bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt(value)
  do {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    bytes.push(rest === 0n ? low : low | 0x80)
  } while (rest !== 0n)
  return bytes
}

/** Signed LEB128. */
export function sleb(value: number | bigint): number[] {
  const bytes: number[] = []
  for (let rest = BigInt(value); ; ) {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}

/** Instructions that tests need; everything else is written as its bytes. */
export const op = {
  i32: (value: number): number[] => [CONST.i32, ...sleb(value)],
  i64: (value: number | bigint): number[] => [CONST.i64, ...sleb(value)],
  f64: (value: number): number[] => [CONST.f64, ...floatBytes(value)],
  get: (local: number): number[] => [0x20, ...leb(local)],
  set: (local: number): number[] => [0x21, ...leb(local)],
  globalGet: (index: number): number[] => [0x23, ...leb(index)],
  globalSet: (index: number): number[] => [0x24, ...leb(index)],
  call: (index: number): number[] => [0x10, ...leb(index)],
  /** `body` repeats for ever unless it branches out. */
  forever: (body: readonly number[] = []): number[] => [0x03, 0x40, ...body, 0x0c, 0x00, END],
  /** Takes the condition from the stack. */
  ifThen: (body: readonly number[]): number[] => [0x04, 0x40, ...body, END],
  drop: [0x1a],
  unreachable: [0x00],
  return: [0x0f],
  /** Grows memory 0 by the pages on the stack. */
  grow: [0x40, 0x00],
  i32Load: (offset = 0): number[] => [0x28, 2, ...leb(offset)],
  i32Store: (offset = 0): number[] => [0x36, 2, ...leb(offset)],
  i32Add: [0x6a],
  i32Eq: [0x46],
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

export function buildWasm(spec: WasmSpec): Uint8Array<ArrayBuffer> {
  const { imports = [], functions = [], globals = [], data = [] } = spec
  const sections = [
    section(SECTION.type, [...imports, ...functions].map(functionType)),
    section(
      SECTION.import,
      imports.map(({ module, name }, index) => [...wireName(module), ...wireName(name), KIND.function, ...leb(index)]),
    ),
    section(
      SECTION.function,
      functions.map((_, index) => leb(imports.length + index)),
    ),
    section(SECTION.table, spec.table === undefined ? [] : [[0x70, 0, ...leb(spec.table.length)]]),
    section(SECTION.memory, spec.memory === undefined ? [] : [memoryType(spec.memory)]),
    section(
      SECTION.global,
      globals.map(({ type, value, isMutable = false }) => [TYPE[type], isMutable ? 1 : 0, ...constant(type, value), END]),
    ),
    section(SECTION.export, exportsOf(spec, imports.length)),
    spec.start === undefined ? [] : plainSection(SECTION.start, leb(spec.start)),
    section(SECTION.element, spec.table === undefined ? [] : [[0, ...constant('i32', 0), END, ...vector(spec.table.map(leb))]]),
    section(SECTION.code, functions.map(body)),
    section(
      SECTION.data,
      data.map(({ at, bytes }) => [0, ...constant(spec.memory?.is64 === true ? 'i64' : 'i32', at), END, ...leb(bytes.length), ...bytes]),
    ),
  ]
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()])
}

function functionType({ params = [], results = [] }: Pick<WasmFunction, 'params' | 'results'>): number[] {
  return [0x60, ...vector(params.map((type) => [TYPE[type]])), ...vector(results.map((type) => [TYPE[type]]))]
}

function memoryType({ pages, pagesMax, is64 = false, isShared = false }: NonNullable<WasmSpec['memory']>): number[] {
  const flags = (pagesMax === undefined ? 0 : 1) | (isShared ? 2 : 0) | (is64 ? 4 : 0)
  return [flags, ...leb(pages), ...(pagesMax === undefined ? [] : leb(pagesMax))]
}

function exportsOf(
  { functions = [], globals = [], memory, table, tableExport = '__indirect_function_table' }: WasmSpec,
  importCount: number,
): number[][] {
  const list: number[][] = []
  const add = (name: string | null | undefined, kind: number, index: number): void => {
    if (name !== null && name !== undefined) list.push([...wireName(name), kind, ...leb(index)])
  }
  for (const [index, one] of functions.entries()) add(one.export, KIND.function, importCount + index)
  if (memory !== undefined) add(memory.export === undefined ? 'memory' : memory.export, KIND.memory, 0)
  for (const [index, one] of globals.entries()) add(one.export, KIND.global, index)
  if (table !== undefined) add(tableExport, KIND.table, 0)
  return list
}

function body({ locals = [], code = [] }: WasmFunction): number[] {
  const bytes = [...vector(locals.map((type) => [1, TYPE[type]])), ...code, END]
  return [...leb(bytes.length), ...bytes]
}

function constant(type: WasmType, value: number | bigint): number[] {
  return [CONST[type], ...(type === 'f64' || type === 'f32' ? floatBytes(Number(value), type) : sleb(value))]
}

function floatBytes(value: number, type: 'f32' | 'f64' = 'f64'): number[] {
  return [...new Uint8Array((type === 'f64' ? Float64Array : Float32Array).of(value).buffer)]
}

function section(id: number, entries: readonly (readonly number[])[]): number[] {
  return entries.length === 0 ? [] : plainSection(id, vector(entries))
}

function plainSection(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content]
}

function vector(entries: readonly (readonly number[])[]): number[] {
  return [...leb(entries.length), ...entries.flat()]
}

function wireName(value: string): number[] {
  const bytes = text(value)
  return [...leb(bytes.length), ...bytes]
}
