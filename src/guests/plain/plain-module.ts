/**
 * Any WebAssembly module, made ready to be called from outside: metered, capped, compiled, with the types of what it imports and exports.
 *
 * Invariants  Only numbers go in and out. A module whose state is more than one memory and its own global variables is refused, since it
 *             could not be taken back or kept.
 */
import { HeddleError } from '../../base/errors.ts'
import type { GuestLimits, GuestModule } from '../guest.ts'
import { F32, F64, type FunctionExport, type FunctionImport, I32, I64 } from '../wasm/layout.ts'
import { METER_VERSION, type MeteredModule, meterModule } from '../wasm/meter.ts'

/** What a snapshot says it was made by. */
export const PLAIN_ENGINE = `plain-1:meter-${METER_VERSION}`

export interface PlainModule {
  readonly id: GuestModule['id']
  readonly compiled: WebAssembly.Module
  readonly metered: MeteredModule
  readonly exports: ReadonlyMap<string, FunctionExport>
  readonly imports: readonly FunctionImport[]
}

export type PlainLimits = Pick<GuestLimits, 'gasMax' | 'memoryBytesMax'>

export function admitPlainModule({ id, bytes }: Pick<GuestModule, 'id' | 'bytes'>, limits: PlainLimits): PlainModule {
  const { memoryBytesMax, gasMax } = limits
  const metered = meterModule(bytes, { module: id, memoryBytesMax, gas: BigInt(gasMax), exportMemory: true })
  if (metered.unkeepable !== null) throw refuse(id, `${metered.unkeepable}, which could not be taken back or kept`)
  const compiled = compile(id, metered.bytes)
  for (const { module, name, kind } of WebAssembly.Module.imports(compiled))
    if (kind !== 'function') throw refuse(id, `it imports the ${kind} ${module}.${name}; only functions can be imported`)
  for (const { module, name, params, results } of metered.imports)
    if (!areNumbers(params) || !areNumbers(results)) throw refuse(id, `its import ${module}.${name} takes or gives what is not a number`)
  return { id, compiled, metered, exports: new Map(metered.exports.map((one) => [one.name, one])), imports: metered.imports }
}

export function areNumbers(types: readonly number[]): boolean {
  return types.every((type) => type === I32 || type === I64 || type === F32 || type === F64)
}

export function refuse(module: string, reason: string, cause?: unknown): HeddleError<'module-unsupported'> {
  return new HeddleError('module-unsupported', { module, reason }, `module ${module} cannot run here: ${reason}`, { cause })
}

function compile(id: string, bytes: Uint8Array): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes)
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw refuse(id, `it is not valid: ${cause.message}`, cause)
  }
}
