/**
 * A second count beside our own gas: what AO units of the first network would report as `GasUsed` for the same run.
 *
 * Wire        an exported mutable i64 global `heddle.legacy-gas` that goes down. `table`: charges as legacy-cost.ts has them are written into
 *             the code. `import`: the binary was metered by its maker and calls metering.usegas; direct calls of it are replaced by the count.
 * Invariants  The count is exact at every import and at the end; that it is below zero is noticed at the next loop head, function entry or
 *             end of the call, which nothing outside of the guest can tell from at once.
 */
import { WasmCursor, WasmWriter } from './cursor.ts'
import { OP, readInstruction } from './instructions.ts'
import { I32, I64, type WasmLayout } from './layout.ts'
import { CHARGE_COST, endsLegacyRun, legacyCost } from './legacy-cost.ts'

export const LEGACY_GAS_EXPORT = 'heddle.legacy-gas'
const METERING_MODULE = 'metering'
const METERING_FUNCTION = 'usegas'

/** Where the charges come from. */
export type LegacySource = 'table' | 'import'

/** The function through which a binary that was metered by its maker counts, null when there is none. */
export function findMeteringImport(layout: WasmLayout): number | null {
  const index = layout.functionImports.findIndex(({ module, name }) => module === METERING_MODULE && name === METERING_FUNCTION)
  return index === -1 ? null : index
}

export class LegacyMeter {
  /** Index of the global, encoded. */
  readonly global: readonly number[]
  readonly #layout: WasmLayout
  readonly #meteringImport: number | null

  constructor(layout: WasmLayout, source: LegacySource, global: readonly number[]) {
    this.#layout = layout
    this.global = global
    this.#meteringImport = findMeteringImport(layout)
    if (source === 'table' && this.#meteringImport !== null)
      throw layout.refuse(`it imports ${METERING_MODULE}.${METERING_FUNCTION} although its format has the node add the metering`)
  }

  /** Costs of the runs of a function, in order, each with its charge; empty when the binary counts by itself. */
  runCosts(body: WasmCursor): readonly number[] {
    if (this.#meteringImport !== null) return []
    const ahead = new WasmCursor(body.bytes, this.#layout.module, body.at, body.end)
    const runs: number[] = []
    let cost = 0
    while (!ahead.isAtEnd) {
      const opcode = readInstruction(ahead)
      cost += legacyCost(opcode)
      if (!endsLegacyRun(opcode) && !ahead.isAtEnd) continue
      runs.push(cost === 0 ? 0 : cost + CHARGE_COST)
      cost = 0
    }
    return runs
  }

  charge(cost: number): Uint8Array {
    const out = new WasmWriter(24)
    out.raw([0x23, ...this.global, 0x42])
    out.s64(BigInt(cost))
    out.raw([0x7d, 0x24, ...this.global])
    return out.toBytes()
  }

  /** What stands for a call of the metering function, whose operand is on the stack; null when `called` is another one. */
  inlineCall(called: number, local: (type: number) => readonly number[]): readonly number[] | null {
    if (called !== this.#meteringImport) return null
    const { params } = this.#layout.functionImports[called]!
    const [type] = params
    if (params.length !== 1 || (type !== I32 && type !== I64)) return null
    const amount = local(I64)
    const extend = type === I32 ? [0xac] : []
    return [...extend, 0x21, ...amount, 0x23, ...this.global, 0x20, ...amount, 0x7d, 0x24, ...this.global]
  }

  /** Index of the function that the call at `from` calls. */
  calledAt(code: WasmCursor, from: number): number {
    const operand = new WasmCursor(code.bytes, this.#layout.module, from, code.end)
    return operand.byte() === OP.call ? operand.u32() : -1
  }
}
