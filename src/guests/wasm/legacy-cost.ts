/**
 * What an instruction costs in the gas that AO units of the first network report, and where they charge it.
 *
 * Source      @permaweb/wasm-metering 0.2.2, the costs it uses when none are given; learned from what it writes into modules
 * Invariants  A charge stands before a run of instructions and covers all of it; a run ends after a memory.grow, loop, if, else, end or
 *             branch, not after a block or a call. Runs that cost nothing are not charged. Each charge costs CHARGE_COST itself.
 *             Instructions that the original does not know (two-byte ones, references, exceptions, tail calls) cost nothing here; a module
 *             that has one cannot be loaded by it at all, so there is no other number.
 */
import { OP } from './instructions.ts'

/** The constant and the call that the original inserts. */
export const CHARGE_COST = 91

const COSTS = new Uint16Array(256)
const price = (cost: number, ...ranges: readonly (number | readonly [first: number, last: number])[]): void => {
  for (const range of ranges) {
    const [first, last] = typeof range === 'number' ? [range, range] : range
    COSTS.fill(cost, first, last + 1)
  }
}
price(1, [0x00, 0x04], [0x41, 0x44]) // unreachable, nop, block, loop, if; constants
price(90, 0x05, 0x0c, 0x0d, 0x0f, 0x10) // else, br, br_if, return, call
price(120, 0x0e, 0x1a, 0x1b, [0x20, 0x24], [0x28, 0x3e]) // br_table, drop, select; variables; loads and stores
price(10_000, 0x11, 0x40) // call_indirect, memory.grow
price(100, 0x3f) // memory.size
price(45, [0x45, 0x5a]) // integer comparison
price(45, 0x5b, 0x5c, 0x61, 0x62) // of the float comparisons only eq and ne
for (const first of [0x67, 0x79]) {
  price(45, [first, first + 5], [first + 10, first + 12]) // clz, ctz, popcnt, add, sub, mul; and, or, xor
  price(36_000, [first + 6, first + 9]) // div, rem
  price(67, [first + 13, first + 15]) // shl, shr
  price(90, [first + 16, first + 17]) // rotl, rotr
}
price(45, [0x92, 0x94], [0xa0, 0xa2]) // of the float arithmetic only add, sub and mul

const RUN_ENDS = new Set<number>([OP.loop, OP.if, OP.else, OP.end, OP.br, OP.brIf, OP.brTable, OP.return, OP.memoryGrow])

export function legacyCost(opcode: number): number {
  return opcode < COSTS.length ? COSTS[opcode]! : 0
}

export function endsLegacyRun(opcode: number): boolean {
  return RUN_ENDS.has(opcode)
}
