/**
 * What a plain module imports, answered from a table; and what its calls left to tell: functions that are not there, and printed text.
 *
 * Invariants  What an import throws ends the call, even when the guest catches it. An import that is not in the table answers zeros. Names are
 *             the module's own and may be anything, so nothing is looked up in prototypes.
 */
import { concat } from '../../base/bytes.ts'
import { GUEST_PRINTED_BYTES_MAX, GUEST_UNDEFINED_CALLS_MAX } from '../../base/limits.ts'
import type { GuestMemory } from '../aos/memory.ts'
import { GuestFault } from '../guest.ts'
import type { GasMeter } from '../wasm/gas.ts'
import type { FunctionImport } from '../wasm/layout.ts'
import { fromWasm, type PlainValue, toWasm, withoutPayload, zeroOf } from './plain-values.ts'

/** What an import may use of the guest that calls it. */
export interface PlainGuest {
  /** Throws GuestFault when the module has none. */
  readonly memory: GuestMemory
  /** Units of gas, for work that grows with an argument; called before the work. */
  charge(units: number): void
  /** Text for `printed`. */
  print(bytes: Uint8Array): void
}
/** One value, several, or nothing, as the module's type of the import says. */
export type PlainImport = (guest: PlainGuest, ...values: PlainValue[]) => PlainValue | readonly PlainValue[] | undefined
/** By module and name. */
export type PlainImports = Readonly<Record<string, Readonly<Record<string, PlainImport>>>>

export interface UndefinedCall {
  readonly module: string
  readonly function: string
  readonly parameters: readonly PlainValue[]
}

/** The instance whose imports these are; it has a meter once it is instantiated. */
export interface PlainOwner {
  readonly memory: GuestMemory
  readonly gas: GasMeter | null
}

export class PlainImporter {
  /** What an import threw that is not the guest's doing. */
  trouble: unknown = null
  readonly #table: PlainImports
  readonly #owner: PlainOwner
  readonly #guest: PlainGuest
  #undefinedCalls: UndefinedCall[] = []
  #printed: Uint8Array[] = []
  #printedBytes = 0

  constructor(table: PlainImports, owner: PlainOwner) {
    this.#table = table
    this.#owner = owner
    this.#guest = {
      get memory() {
        return owner.memory
      },
      charge: (units) => owner.gas?.charge(units),
      print: (bytes) => this.#print(bytes),
    }
  }

  get undefinedCalls(): readonly UndefinedCall[] {
    return this.#undefinedCalls
  }

  get printed(): Uint8Array {
    return concat(this.#printed)
  }

  clear(): void {
    this.trouble = null
    this.#undefinedCalls = []
    this.#printed = []
    this.#printedBytes = 0
  }

  importObject(imports: readonly FunctionImport[]): WebAssembly.Imports {
    const object = Object.create(null) as Record<string, Record<string, unknown>>
    for (const imported of imports) {
      object[imported.module] ??= Object.create(null) as Record<string, unknown>
      object[imported.module]![imported.name] = this.#function(imported)
    }
    return object
  }

  #function({ module, name, results }: FunctionImport): (...values: PlainValue[]) => unknown {
    const table = Object.hasOwn(this.#table, module) ? this.#table[module]! : {}
    const body = Object.hasOwn(table, name) ? table[name]! : null
    return (...raw) =>
      this.#guarded(() => {
        const values = raw.map((value) => (typeof value === 'number' ? withoutPayload(value) : value))
        const given = body === null ? this.#note({ module, function: name, parameters: values }) : fromWasm(body(this.#guest, ...values))
        const typed = results.map((type, index) => toWasm(given[index] ?? zeroOf(type), type, `result ${index + 1} of ${module}.${name}`))
        return typed.length < 2 ? typed[0] : typed
      })
  }

  #guarded<T>(run: () => T): T {
    const { gas } = this.#owner
    try {
      return run()
    } catch (thrown) {
      const fault = gas?.faultOf(thrown) ?? thrown
      if (!(fault instanceof GuestFault)) this.trouble ??= fault
      gas?.halt(fault instanceof GuestFault ? fault : new GuestFault('trap', 'the host could not go on'))
      throw thrown
    }
  }

  #note(call: UndefinedCall): readonly PlainValue[] {
    if (this.#undefinedCalls.length < GUEST_UNDEFINED_CALLS_MAX) this.#undefinedCalls.push(call)
    return []
  }

  #print(bytes: Uint8Array): void {
    const part = bytes.slice(0, Math.max(0, GUEST_PRINTED_BYTES_MAX - this.#printedBytes))
    if (part.length === 0) return
    this.#printed.push(part)
    this.#printedBytes += part.length
  }
}
