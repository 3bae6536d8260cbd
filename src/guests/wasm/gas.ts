/**
 * The counters of a metered instance, as its host uses them: set before each call, charged for what the host does, read afterwards.
 *
 * Invariants  Both counts go down and are below zero when the call must not go on. The coarse one protects the node, always; the one of
 *             the first network, where the module has it, is the number that its users know: it is reported, and limits too.
 */
import { GuestFault } from '../guest.ts'
import { LEGACY_GAS_EXPORT } from './legacy-meter.ts'
import { GAS_EXPORT } from './meter.ts'

/** One unit is the copying of this many bytes. */
const BYTES_PER_UNIT = 32

export interface GasLimits {
  readonly gasMax: number
  /** Only read when the module counts the gas of the first network; `Compute-Limit` of the process. */
  readonly legacyGasMax?: number
}
/** What upstream's loader allows where nobody says how much. */
export const LEGACY_GAS_MAX = 9e15

export class GasMeter {
  readonly #coarse: WebAssembly.Global<'i64'>
  readonly #legacy: WebAssembly.Global<'i64'> | null
  readonly #gasMax: bigint
  readonly #legacyGasMax: bigint
  /** Why the host ended the call, and what was left then. */
  #halted: { readonly fault: GuestFault; readonly coarse: bigint; readonly legacy: bigint } | null = null

  constructor(exports: WebAssembly.Exports, { gasMax, legacyGasMax = LEGACY_GAS_MAX }: GasLimits) {
    this.#coarse = exports[GAS_EXPORT] as WebAssembly.Global<'i64'>
    this.#legacy = (exports[LEGACY_GAS_EXPORT] as WebAssembly.Global<'i64'> | undefined) ?? null
    this.#gasMax = BigInt(gasMax)
    this.#legacyGasMax = BigInt(legacyGasMax)
  }

  /** Before each message. */
  refill(): void {
    this.#halted = null
    this.#coarse.value = this.#gasMax
    if (this.#legacy !== null) this.#legacy.value = this.#legacyGasMax
  }

  /** An import copied, filled or made this many bytes for the guest: counted like the guest's own bulk instructions. Call it first. */
  chargeBytes(size: number): void {
    this.charge(Math.floor(Math.max(0, size) / BYTES_PER_UNIT) + 1)
  }

  /** Any number will do, since it may come from the guest: what is not there cannot be used up. */
  charge(units: number): void {
    const left = this.#coarse.value
    this.#coarse.value = units <= Number(left) ? left - BigInt(Math.ceil(Math.max(0, units))) : -1n
    this.stopIfEmpty()
  }

  /** The import metering.usegas, for the calls of it that the rewriter left. */
  readonly usegas = (amount: number | bigint): void => {
    if (this.#legacy === null) return
    const left = this.#legacy.value
    const used = Math.trunc(Number(amount))
    if (Number.isSafeInteger(used)) this.#legacy.value = left < 0n ? left : left - BigInt(used)
    else this.#legacy.value = -1n
    this.stopIfEmpty()
  }

  /**
   * Ends the call with a fault of the host's, even when the guest catches all that is thrown through it (`catch_all`): with no gas left
   * it traps at the next loop or function, and traps cannot be caught.
   */
  halt(fault: GuestFault): never {
    this.#halted ??= { fault, coarse: this.#coarse.value, legacy: this.#legacy?.value ?? 0n }
    this.#coarse.value = -1n
    throw fault
  }

  /** To be called after every call of the guest that returned: the last bit of the count is not looked at inside. */
  stopIfEmpty(): void {
    if (this.isEmpty) throw this.fault()
  }

  get isEmpty(): boolean {
    return this.#coarse.value < 0n || (this.#legacy !== null && this.#legacy.value < 0n)
  }

  fault(): GuestFault {
    if (this.#halted !== null) return this.#halted.fault
    const limit = this.#coarse.value < 0n ? this.#gasMax : this.#legacyGasMax
    return new GuestFault('gas', `out of gas: limit ${limit}`)
  }

  /** Why a call ended, from whatever came out of it; what is not the guest's doing comes back as it is. */
  faultOf(thrown: unknown): unknown {
    if (this.isEmpty) return this.fault()
    if (thrown instanceof RangeError && thrown.message.includes('call stack')) {
      this.#coarse.value = 0n // How much it took to get there depends on the machine: all of it, then.
      if (this.#legacy !== null) this.#legacy.value = 0n
      return new GuestFault('stack', 'stack overflow', { cause: thrown })
    }
    if (thrown instanceof WebAssembly.RuntimeError)
      return new GuestFault('trap', `the program crashed: ${thrown.message}`, { cause: thrown })
    if (thrown instanceof WebAssembly.Exception) return new GuestFault('error', 'the program threw an exception that nothing caught')
    return thrown
  }

  /** What an evaluation reports: the count of the first network where there is one, ours else; never more than the limit. */
  get used(): number {
    return this.#legacy === null ? this.coarseUsed : this.legacyUsed
  }

  /** Also what the import env.metering_gasUsed tells the guest. */
  get legacyUsed(): number {
    return this.#legacy === null ? 0 : Number(less(this.#legacyGasMax, this.#halted?.legacy ?? this.#legacy.value))
  }

  get coarseUsed(): number {
    return Number(less(this.#gasMax, this.#halted?.coarse ?? this.#coarse.value))
  }
}

/** Never negative, though a binary that counts by itself may take back more than it used. */
function less(limit: bigint, left: bigint): bigint {
  if (left > limit) return 0n
  return left < 0n ? limit : limit - left
}
