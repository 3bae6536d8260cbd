/**
 * A running module that is called by the names of its functions, with numbers.
 *
 * Invariants  Imports are answered from the table that the caller gives, and must depend on their arguments and the guest's memory alone:
 *             what they remember is in no snapshot.
 *             The memory's size is part of the state; memory never shrinks, so going back to a smaller one takes a new instance.
 */
import { utf8 } from '../../base/bytes.ts'
import { GuestMemory, PAGE_BYTES } from '../aos/memory.ts'
import { GuestFault } from '../guest.ts'
import { packSnapshot } from '../snapshot.ts'
import { GasMeter } from '../wasm/gas.ts'
import { MEMORY_EXPORT } from '../wasm/meter.ts'
import { ImageBuffer, rangeBytes, type StateImage } from '../wasm/state-image.ts'
import { PlainImporter, type PlainImports, type PlainOwner, type UndefinedCall } from './plain-imports.ts'
import { areNumbers, PLAIN_ENGINE, type PlainLimits, type PlainModule, refuse } from './plain-module.ts'
import { applyMemory, captureMemory } from './plain-state.ts'
import { fromBits, fromWasm, type PlainValue, toBits, toWasm } from './plain-values.ts'

interface Global {
  value: PlainValue
}

export class PlainInstance implements PlainOwner {
  readonly #module: PlainModule
  readonly #limits: PlainLimits
  readonly #importer: PlainImporter
  readonly #template: StateImage
  #exports: WebAssembly.Exports
  #memory: GuestMemory | null = null
  /** Null while the module's own start function runs, which has the gas that it was compiled with. */
  #gas: GasMeter | null = null
  #stateBytes = 0

  constructor(module: PlainModule, limits: PlainLimits, imports: PlainImports, template: StateImage | null = null) {
    this.#module = module
    this.#limits = limits
    this.#importer = new PlainImporter(imports, this)
    this.#exports = this.#instantiate()
    this.#gas = this.#adopt()
    this.#template = template ?? this.capture(new ImageBuffer())
  }

  /** The state right after instantiation, for other instances of the module. */
  get template(): StateImage {
    return this.#template
  }

  get gas(): GasMeter | null {
    return this.#gas
  }

  get gasUsed(): number {
    return this.#gas?.used ?? 0
  }

  /** As of the last capture. */
  get stateBytes(): number {
    return this.#stateBytes
  }

  get memory(): GuestMemory {
    if (this.#memory === null) throw new GuestFault('error', 'the module has no memory')
    return this.#memory
  }

  /** Of the last call. */
  get undefinedCalls(): readonly UndefinedCall[] {
    return this.#importer.undefinedCalls
  }

  /** What the last call printed. */
  get printed(): Uint8Array {
    return this.#importer.printed
  }

  has(name: string): boolean {
    return this.#module.exports.has(name)
  }

  /** A message begins: gas, notes and printed text are counted from here on. */
  begin(): void {
    this.#gas?.refill()
    this.#importer.clear()
  }

  /** Calls an exported function. Throws GuestFault; the state is then undefined until `apply`. */
  call(name: string, parameters: readonly unknown[]): readonly PlainValue[] {
    const { params } = this.#exported(name)
    if (parameters.length !== params.length)
      throw new GuestFault('error', `"${name}" takes ${params.length} parameters, ${parameters.length} are given`)
    const values = parameters.map((value, index) => toWasm(value, params[index]!, `parameter ${index + 1} of "${name}"`))
    const run = this.#exports[name] as unknown as (...values: PlainValue[]) => unknown
    try {
      const results = fromWasm(run(...values))
      this.#gas?.stopIfEmpty()
      return results
    } catch (thrown) {
      throw this.#importer.trouble ?? this.#gas?.faultOf(thrown) ?? thrown
    } finally {
      this.#settleGlobals()
    }
  }

  /** Types of a function's results. */
  resultTypes(name: string): readonly number[] {
    return this.#exported(name).results
  }

  /** Types of a function's parameters. */
  parameterTypes(name: string): readonly number[] {
    return this.#exported(name).params
  }

  /** Puts bytes and a final zero where the module's `malloc` says; the address. */
  place(bytes: Uint8Array): number {
    const address = Number(this.call('malloc', [bytes.length + 1])[0] ?? 0)
    if (address === 0) throw new GuestFault('memory', `the module has no room for ${bytes.length + 1} bytes`)
    const target = this.memory.slice(address, bytes.length + 1)
    target.set(bytes)
    target[bytes.length] = 0
    return address
  }

  placeText(text: string): number {
    return this.place(utf8(text))
  }

  /** Gives back what `place` took, where the module has a `free`. */
  release(address: number): void {
    if (this.has('free')) this.call('free', [address])
  }

  capture(buffer: ImageBuffer): StateImage {
    const { globals, globalTypes } = this.#module.metered
    const bits = globals.map((name, index) => toBits((this.#exports[name] as unknown as Global).value, globalTypes[index]!))
    const image = captureMemory(this.#memory, bits, buffer)
    this.#stateBytes = rangeBytes(image.ranges)
    return image
  }

  apply(image: StateImage): void {
    const [sizeBytes = 0] = image.anchors
    if (this.#memory !== null && this.#memory.sizeBytes > sizeBytes) this.#replace()
    if (this.#memory !== null) {
      this.#memory.growTo(sizeBytes / PAGE_BYTES)
      applyMemory(this.#memory, image)
    }
    const { globals, globalTypes } = this.#module.metered
    for (const [index, name] of globals.entries())
      (this.#exports[name] as unknown as Global).value = fromBits(image.globals[index] ?? 0n, globalTypes[index]!)
    this.#stateBytes = rangeBytes(image.ranges)
  }

  snapshot(format: string): Uint8Array<ArrayBuffer> {
    return packSnapshot({ module: this.#module.id, format, engine: PLAIN_ENGINE }, this.capture(new ImageBuffer()), this.#template)
  }

  #exported(name: string): { readonly params: readonly number[]; readonly results: readonly number[] } {
    const type = this.#module.exports.get(name)
    if (type === undefined) throw new GuestFault('error', `the module has no function "${name}"`)
    if (areNumbers(type.params) && areNumbers(type.results)) return type
    throw new GuestFault('error', `"${name}" takes or gives what is not a number`)
  }

  #replace(): void {
    this.#exports = this.#instantiate()
    this.#gas = this.#adopt()
  }

  #instantiate(): WebAssembly.Exports {
    this.#memory = null
    this.#gas = null
    try {
      return new WebAssembly.Instance(this.#module.compiled, this.#importer.importObject(this.#module.imports)).exports
    } catch (thrown) {
      const isDeep = thrown instanceof RangeError && thrown.message.includes('call stack') // Others: this node has no memory left.
      const isGuest = isDeep || thrown instanceof WebAssembly.RuntimeError || thrown instanceof GuestFault
      if (!isGuest && !(thrown instanceof WebAssembly.Exception)) throw thrown
      throw refuse(this.#module.id, `it does not start: ${thrown instanceof Error ? thrown.message : 'it threw an exception'}`, thrown)
    }
  }

  #adopt(): GasMeter {
    const { hasMemory, isMemory64 } = this.#module.metered
    if (hasMemory) {
      this.#memory = new GuestMemory(isMemory64)
      this.#memory.attach(this.#exports[MEMORY_EXPORT] as WebAssembly.Memory)
    }
    const gas = new GasMeter(this.#exports, this.#limits)
    gas.refill()
    this.#importer.clear()
    this.#settleGlobals()
    return gas
  }

  /** The bits of a NaN are not kept, so they go now rather than when the state is put back. */
  #settleGlobals(): void {
    for (const name of this.#module.metered.globals) {
      const global = this.#exports[name] as unknown as Global
      if (typeof global.value === 'number' && Number.isNaN(global.value)) global.value = Number.NaN
    }
  }
}
