/**
 * From a module's bytes to code that is metered and ready to be instantiated, and what its host must know of it.
 *
 * Invariants  Modules are refused here when their state could not be kept: changed function tables, more than one memory, imported ones.
 */
import type { GuestModule } from '../guest.ts'
import { meterModule } from '../wasm/meter.ts'
import type { Dialect } from './dialect.ts'
import { PAGE_BYTES } from './memory.ts'
import { type ModuleShape, readShape } from './module-shape.ts'

/** Gas of a module's start. */
const GAS_AT_START = 100_000_000n
/** Gas while no message runs, for asking the module where its heap ends. */
export const GAS_AT_REST = 100_000n

export interface CompiledModule {
  readonly code: WebAssembly.Module
  readonly shape: ModuleShape
  readonly dialect: Dialect
  /** Exports that hold the module's own mutable globals. */
  readonly globals: readonly string[]
  /** What its memory is to begin with. */
  readonly memoryBytesMin: number
  /** How far its memory may grow, as it says itself. */
  readonly pagesMax: number
  /** There is a second count, in the gas of the first network. */
  readonly hasLegacyGas: boolean
  /** It grows its memory without asking the host: another limit needs other code. */
  readonly growsMemory: boolean
}

export interface CompileOptions {
  readonly dialect: Dialect
  readonly memoryBytesMax: number
  /** Where the charges in the gas of the first network come from, for formats that report it. */
  readonly legacyGas?: 'table' | 'import'
}

export function compileModule(module: GuestModule, { dialect, memoryBytesMax, legacyGas }: CompileOptions): CompiledModule {
  const shape = readShape(module.bytes, module.id, dialect)
  const { layout, stackPointer } = shape
  const metered = meterModule(module.bytes, {
    module: module.id,
    memoryBytesMax,
    gas: GAS_AT_START,
    ...(stackPointer === null ? {} : { stackPointer }),
    ...(legacyGas === undefined ? {} : { legacyGas: { source: legacyGas, gas: GAS_AT_START * 1000n } }),
  })
  if (metered.unkeepable !== null) throw layout.refuse(metered.unkeepable)
  const declared = layout.memories[0]?.max ?? null
  return {
    code: compile(metered.bytes, (reason) => layout.refuse(reason)),
    shape,
    dialect,
    globals: metered.globals,
    memoryBytesMin: Number(layout.memories[0]?.min ?? 0n) * PAGE_BYTES,
    pagesMax: Math.min(declared === null ? Number.MAX_SAFE_INTEGER : Number(declared), Math.floor(memoryBytesMax / PAGE_BYTES)),
    hasLegacyGas: metered.hasLegacyGas,
    growsMemory: metered.growsMemory,
  }
}

function compile(bytes: Uint8Array, refuse: (reason: string) => Error): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes)
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) throw refuse(`it is not valid: ${error.message}`)
    throw error
  }
}
