/**
 * Rewrites any WebAssembly module so that running it is counted, bounded and the same on every machine.
 *
 * Wire        out: the same module with an exported mutable i64 global `heddle.gas`, every other mutable global exported as
 *             `heddle.global.<index>`, memories capped, and in the code:
 *             - one unit at each function entry and loop head; `unreachable` once the global is below zero
 *             - 1 unit per started 32 bytes of bulk memory work and of memory growth, 1 per 32 table entries, before it is done:
 *               what a processor copies in the time that it takes for one unit of the other kind
 *             - where the stack pointer is set, its lowest value kept in the exported global `heddle.stack-low`
 *             - NaN results of floating-point arithmetic made the one canonical NaN, since their bits depend on the processor
 *             - if asked for, a second count `heddle.legacy-gas`: see legacy-meter.ts
 * Source      WebAssembly core specification 3.0 (binary format)
 * Invariants  Apart from the count a metered module computes what the original does. Units are a property of the binary and of
 *             METER_VERSION: any change here that moves a count or a NaN raises it.
 */
import { CodeMeter, encodedIndex } from './code-meter.ts'
import { type WasmCursor, WasmWriter } from './cursor.ts'
import { OP } from './instructions.ts'
import { type FunctionExport, type FunctionImport, I32, I64, readLayout, SECTION, type WasmLayout } from './layout.ts'
import { findMeteringImport, LEGACY_GAS_EXPORT, LegacyMeter, type LegacySource } from './legacy-meter.ts'

export const METER_VERSION = 2
export const GAS_EXPORT = 'heddle.gas'
export const STACK_LOW_EXPORT = 'heddle.stack-low'
/** Compilers let functions that call no others use this much below the stack pointer without setting it. */
export const STACK_RED_ZONE_BYTES = 128
/** Only where `exportMemory` asks for it. */
export const MEMORY_EXPORT = 'heddle.memory'
const GLOBAL_EXPORT = 'heddle.global.'
const PAGE_BYTES = 65_536
/** All that 32 bits can address. */
const PAGES_MAX_32 = 65_536n
/** Of exports. */
const MEMORY_KIND = 2
const GLOBAL_KIND = 3

export interface MeterOptions {
  /** Named in errors. */
  readonly module: string
  readonly memoryBytesMax: number
  /** Where the host knows that less than the module asks for is enough to begin with. */
  readonly memoryBytesMin?: number
  /** What the counter holds when the module is instantiated: covers its start function. */
  readonly gas: bigint
  /**
   * Index of the global that is the C stack pointer. What lies below it is dead, but C copies some of it along as padding: for states
   * to be equal byte for byte the host clears it after each call, and so must know how deep the stack was.
   */
  readonly stackPointer?: number
  /** Give the host the memory even when the module keeps it to itself. */
  readonly exportMemory?: boolean
  /** Count the gas of the first network as well, and stop below zero: see legacy-meter.ts. Nothing of it when there is no source of it. */
  readonly legacyGas?: { readonly source: LegacySource; readonly gas: bigint }
}

export interface MeteredModule {
  readonly bytes: Uint8Array
  /** Addresses are i64, as BigInt on the JavaScript side. */
  readonly isMemory64: boolean
  /** Exports that hold the module's own mutable globals. */
  readonly globals: readonly string[]
  /** Their value types. */
  readonly globalTypes: readonly number[]
  /** There is a memory, which is exported as `heddle.memory` if that was asked for. */
  readonly hasMemory: boolean
  /** The program changes its function tables while it runs: they are then state that no memory image holds. */
  readonly changesTables: boolean
  /** The program grows its memory by itself, up to its maximum; others ask their host. */
  readonly growsMemory: boolean
  /** There is a global `heddle.legacy-gas`. */
  readonly hasLegacyGas: boolean
  readonly imports: readonly FunctionImport[]
  readonly exports: readonly FunctionExport[]
  /** Why its state cannot be kept as one memory and globals, null when it can. */
  readonly unkeepable: string | null
}

export function meterModule(bytes: Uint8Array, options: MeterOptions): MeteredModule {
  const layout = readLayout(bytes, options.module)
  const gasGlobal = layout.globals.length
  const globals = layout.globals.flatMap((global, index) => (global.isMutable && !global.isImported ? [index] : []))
  const stackPointer = options.stackPointer ?? null
  if (stackPointer !== null && layout.globals[stackPointer]?.isMutable !== true)
    throw layout.refuse(`its global ${stackPointer} is no stack pointer`)
  const legacy = legacyMeter(layout, options)
  const code = new CodeMeter(layout, { gasGlobal, stackPointer }, legacy)
  const exportsMemory = options.exportMemory === true && layout.memories.length > 0
  const rewrite: Rewrite = { gasGlobal, globals, code, options, hasLegacyGas: legacy !== null, exportsMemory }
  const out = new WasmWriter(bytes.length + (bytes.length >> 2))
  out.raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  for (const section of orderedSections(layout)) {
    const body = sectionBody(section.id, layout, rewrite)
    if (body === null) continue
    out.byte(section.id)
    out.u32(body.length)
    out.raw(body)
  }
  return {
    bytes: out.toBytes().slice(),
    isMemory64: layout.memories[0]?.is64 ?? false,
    globals: globals.map((index) => `${GLOBAL_EXPORT}${index}`),
    globalTypes: globals.map((index) => layout.globals[index]!.type),
    hasMemory: layout.memories.length > 0,
    changesTables: code.changesTables,
    growsMemory: code.growsMemory,
    hasLegacyGas: legacy !== null,
    imports: layout.functionImports,
    exports: layout.functionExports,
    unkeepable: unkeepable(layout, code),
  }
}

function unkeepable({ memories, globals }: WasmLayout, { changesTables, dropsSegments }: CodeMeter): string | null {
  if (changesTables) return 'it changes its function tables while it runs'
  if (dropsSegments) return 'it drops data or element segments while it runs'
  if (memories.length > 1) return `it has ${memories.length} memories`
  if (memories.some(({ isImported }) => isImported)) return 'it imports its memory'
  if (globals.some(({ isMutable, isImported }) => isMutable && isImported)) return 'it imports a global that changes'
  return null
}

/** Its global is the last one. */
function legacyMeter(layout: WasmLayout, { legacyGas, stackPointer }: MeterOptions): LegacyMeter | null {
  if (legacyGas === undefined) return null
  if (legacyGas.source === 'import' && findMeteringImport(layout) === null) return null
  const index = layout.globals.length + (stackPointer === undefined ? 1 : 2)
  return new LegacyMeter(layout, legacyGas.source, encodedIndex(index))
}

interface Rewrite {
  readonly gasGlobal: number
  readonly globals: readonly number[]
  readonly code: CodeMeter
  readonly options: MeterOptions
  readonly hasLegacyGas: boolean
  readonly exportsMemory: boolean
}

/** The order that the format demands; custom sections (debug data, whose offsets no longer hold) are dropped. */
const SECTION_ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]

function orderedSections(layout: WasmLayout): readonly { readonly id: number }[] {
  return SECTION_ORDER.filter((id) => layout.sections.has(id) || id === SECTION.global || id === SECTION.export).map((id) => ({ id }))
}

function sectionBody(id: number, layout: WasmLayout, rewrite: Rewrite): Uint8Array | null {
  const section = layout.sections.get(id)
  switch (id) {
    case SECTION.memory:
      return cappedMemories(layout, rewrite.options)
    case SECTION.global:
      return withOwnGlobals(section, layout, rewrite)
    case SECTION.export:
      return withExports(section, rewrite)
    case SECTION.code:
      return section === undefined ? null : rewrite.code.rewrite(section)
    default:
      return section === undefined ? null : section.bytes.subarray(section.at, section.end)
  }
}

function cappedMemories(layout: WasmLayout, options: MeterOptions): Uint8Array {
  const out = new WasmWriter()
  const own = layout.memories.filter((memory) => !memory.isImported)
  out.u32(own.length)
  const allowed = BigInt(Math.floor(options.memoryBytesMax / PAGE_BYTES))
  for (const memory of own) {
    const cap = memory.is64 || allowed < PAGES_MAX_32 ? allowed : PAGES_MAX_32
    const min = options.memoryBytesMin === undefined ? memory.min : BigInt(Math.ceil(options.memoryBytesMin / PAGE_BYTES))
    if (min > cap)
      throw layout.refuse(`its memory starts with ${min * BigInt(PAGE_BYTES)} bytes, more than the ${options.memoryBytesMax} allowed`)
    out.byte(memory.is64 ? 0x05 : 0x01)
    out.u64(min)
    out.u64(memory.max === null || memory.max > cap ? cap : memory.max)
  }
  return out.toBytes()
}

/** Gas, after it the lowest stack pointer, which begins as the highest address, and after that the legacy gas. */
function withOwnGlobals(section: WasmCursor | undefined, layout: WasmLayout, { options, hasLegacyGas }: Rewrite): Uint8Array {
  const { gas, stackPointer, legacyGas } = options
  const out = new WasmWriter((section === undefined ? 0 : section.end - section.at) + 32)
  const count = section === undefined ? 0 : section.u32()
  out.u32(count + (stackPointer === undefined ? 1 : 2) + (hasLegacyGas ? 1 : 0))
  if (section !== undefined) out.raw(section.bytes.subarray(section.at, section.end))
  writeCounter(out, gas)
  const isStack64 = layout.memories[0]?.is64 ?? false
  if (stackPointer !== undefined) out.raw([isStack64 ? I64 : I32, 1, isStack64 ? 0x42 : 0x41, 0x7f, OP.end])
  if (hasLegacyGas) writeCounter(out, legacyGas?.gas ?? 0n)
  return out.toBytes()
}

function writeCounter(out: WasmWriter, value: bigint): void {
  out.raw([I64, 1, 0x42])
  out.s64(value)
  out.byte(OP.end)
}

function withExports(section: WasmCursor | undefined, rewrite: Rewrite): Uint8Array {
  const out = new WasmWriter((section === undefined ? 0 : section.end - section.at) + 256)
  const count = section === undefined ? 0 : section.u32()
  const hasStack = rewrite.options.stackPointer !== undefined
  const ownCount = (hasStack ? 2 : 1) + (rewrite.hasLegacyGas ? 1 : 0)
  out.u32(count + ownCount + rewrite.globals.length + (rewrite.exportsMemory ? 1 : 0))
  if (section !== undefined) out.raw(section.bytes.subarray(section.at, section.end))
  const add = (name: string, index: number, kind = GLOBAL_KIND): void => {
    out.name(name)
    out.byte(kind)
    out.u32(index)
  }
  add(GAS_EXPORT, rewrite.gasGlobal)
  if (hasStack) add(STACK_LOW_EXPORT, rewrite.gasGlobal + 1)
  if (rewrite.hasLegacyGas) add(LEGACY_GAS_EXPORT, rewrite.gasGlobal + ownCount - 1)
  for (const index of rewrite.globals) add(`${GLOBAL_EXPORT}${index}`, index)
  if (rewrite.exportsMemory) add(MEMORY_EXPORT, 0, MEMORY_KIND)
  return out.toBytes()
}
