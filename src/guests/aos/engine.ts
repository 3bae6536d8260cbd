/**
 * One running aos module under our own host: imports, memory, calls.
 *
 * Wire        handle(pointer to message, pointer to environment) -> pointer to the reply; all three are JSON with a zero at the end. Message and
 *             environment are put on the C stack, in this order.
 * Source      emscripten 3 and 4 (setjmp by invoke_*), ao-loader 0.0.49 for what goes where, since Lua hashes addresses
 * Invariants  Errors of Lua are longjmps, which cross JavaScript as one sentinel; every other exception passes through all `invoke_*`, so
 *             that no pcall catches running out of gas. A fault of a host function sticks, even to a module that catches all exceptions.
 *             Between calls the whole state is memory and globals; the C stack is empty, and zero where it was used.
 */
import { GuestFault, type GuestHost, type GuestLimits } from '../guest.ts'
import { applyMemory, usedRanges } from '../plain/plain-state.ts'
import { GasMeter } from '../wasm/gas.ts'
import { LEGACY_GAS_EXPORT } from '../wasm/legacy-meter.ts'
import { GAS_EXPORT, STACK_LOW_EXPORT, STACK_RED_ZONE_BYTES } from '../wasm/meter.ts'
import { applyImage, type ImageBuffer, type Range, rangeBytes, type StateImage } from '../wasm/state-image.ts'
import { type CompiledModule, GAS_AT_REST } from './compile.ts'
import type { ExportRole } from './dialect.ts'
import { Drive } from './drive.ts'
import { type Global, globalBits, valueOfBits } from './globals.ts'
import { type HostContext, type HostFunctions, hostFunctions, ProgramExit } from './host-functions.ts'
import { type GuestFunction, isLongJump, linkImports, type Word } from './imports.ts'
import { GuestMemory, PAGE_BYTES } from './memory.ts'

const GLOBAL_EXPORT = 'heddle.global.'
const GROWTH_FACTOR = 1.2
/** Calling the host takes as long as so many loops. */
const UNITS_PER_HOST_CALL = 16
const HOST_CALLS_PER_CHARGE = 64
/** An instance that once had a deeper stack than this is not used again, so that its memory goes back to the machine. */
const STACK_KEPT_BYTES_MAX = 4 * 1024 * 1024

export class AosEngine {
  readonly memory: GuestMemory
  readonly compiled: CompiledModule
  readonly #drive: Drive
  readonly #limits: GuestLimits
  readonly #raw: WebAssembly.Exports
  readonly #functions: Readonly<Partial<Record<ExportRole, GuestFunction>>>
  readonly #gas: GasMeter
  /** The counters themselves, which must not be empty when the host asks the module for something between calls. */
  readonly #counters: readonly Global<bigint>[]
  readonly #globals: readonly Global<Word>[]
  readonly #stackPointer: Global<Word> | null
  readonly #stackLow: Global<Word> | null
  readonly #table: WebAssembly.Table | undefined
  readonly #tableFunctions: (GuestFunction | undefined)[] = []
  /** Where C stack and heap lie; null when the module does not say: all of the memory is then looked through. */
  #regions: { readonly stackEnd: number; readonly stackBase: number } | null = null
  /** As the module said after the last message that went well. */
  #heapEnd = 0
  /** Looking through all of a memory takes time. */
  #stateBytes: number | null = null
  /** The stack pointer between calls. */
  #stackRest: Word = 0
  #stackLowest = Number.POSITIVE_INFINITY
  /** What a host function threw that is not the program's fault. */
  #trouble: unknown = null
  #gasUsed = 0
  #unitsUsed = 0
  #tempRet0 = 0
  /** It asked for more memory than it may have: some programs then crash, whatever they do else. */
  #wasRefused = false
  /** Not charged yet: charging takes as long as most of them. */
  #hostCalls = 0

  constructor(compiled: CompiledModule, limits: GuestLimits, host: GuestHost) {
    const { shape } = compiled
    this.compiled = compiled
    this.#limits = limits
    this.#drive = new Drive(host.files)
    this.memory = new GuestMemory(shape.is64)
    this.#raw = instantiate(compiled, this.#imports())
    this.memory.attach(this.#raw[shape.exports.memory!] as WebAssembly.Memory)
    this.#table = shape.exports.table === undefined ? undefined : (this.#raw[shape.exports.table] as WebAssembly.Table)
    const named = Object.entries(shape.exports).filter(([role]) => role !== 'memory' && role !== 'table')
    this.#functions = Object.fromEntries(named.map(([role, name]) => [role, this.#raw[name] as unknown as GuestFunction]))
    this.#gas = new GasMeter(this.#raw, limits)
    this.#counters = [GAS_EXPORT, LEGACY_GAS_EXPORT].flatMap((name) => this.#global<bigint>(name) ?? [])
    this.#globals = compiled.globals.map((name) => this.#global(name)!)
    this.#stackPointer = shape.stackPointer === null ? null : this.#global(`${GLOBAL_EXPORT}${shape.stackPointer}`)
    this.#stackLow = this.#global(STACK_LOW_EXPORT)
  }

  /** Gas that the last call took. */
  get gasUsed(): number {
    return this.#gasUsed
  }

  /** The same in our own units. */
  get unitsUsed(): number {
    return this.#unitsUsed
  }

  /** Its memory is larger than its state needs: better not kept. */
  get isBloated(): boolean {
    return this.#regions !== null && this.#regions.stackBase - this.#stackLowest > STACK_KEPT_BYTES_MAX
  }

  get stateBytes(): number {
    if (this.#regions === null) this.#stateBytes ??= rangeBytes(this.#ranges())
    return this.#stateBytes ?? rangeBytes(this.#ranges())
  }

  has(role: ExportRole): boolean {
    return this.#functions[role] !== undefined
  }

  /** Calls what the module may have under that role. */
  run(role: ExportRole, ...args: Word[]): Word | undefined {
    return this.#functions[role]?.(...args)
  }

  /** A pointer-sized argument. */
  word(value: number): Word {
    return this.memory.is64 ? BigInt(value) : value
  }

  /** Brings it to where it can take messages. What fails here is the module's fault. */
  start(): void {
    try {
      this.compiled.dialect.start(this)
      this.#gas.stopIfEmpty()
      this.#stackRest = this.run('stackSave')!
      this.#regions = this.#findRegions()
      this.#noteHeap()
    } catch (thrown) {
      const fault = this.#explain(thrown)
      if (!(fault instanceof GuestFault)) throw fault
      throw this.compiled.shape.layout.refuse(`it does not start: ${fault.message}`)
    }
    this.#clearStack()
  }

  /** Calls `_start`, which programs end by leaving. */
  runStart(): void {
    try {
      this.run('start')
    } catch (thrown) {
      if (!(thrown instanceof ProgramExit) || thrown.status !== 0) throw thrown
      this.#gas.refill()
    }
  }

  /** One message. The reply is the program's text as it is. */
  exchange(message: string, env: string): Uint8Array {
    this.#trouble = null
    this.#wasRefused = false
    this.#hostCalls = 0
    this.#drive.reset()
    this.#gas.refill()
    try {
      const stack = this.run('stackSave')! // As their loader does it, since it costs: 542 of the gas that AO units report.
      const messageAddress = this.#place(message)
      const envAddress = this.#place(env)
      const address = this.run('handle', messageAddress, envAddress)
      this.run('stackRestore', stack)
      this.#gas.charge(this.#hostCalls * UNITS_PER_HOST_CALL)
      this.#checkStack()
      const reply = this.memory.cString(Number(address), this.#limits.resultBytesMax).slice()
      this.#noteUsed()
      this.#noteHeap()
      return reply
    } catch (thrown) {
      const fault = this.#explain(thrown)
      this.#noteUsed()
      throw fault
    } finally {
      this.#clearStack()
    }
  }

  capture(buffer: ImageBuffer): StateImage {
    this.#stateBytes = null
    return buffer.capture(this.memory.bytes, {
      ranges: this.#ranges(),
      globals: this.#globals.map(({ value }) => globalBits(value)),
      anchors: [this.memory.pages],
    })
  }

  /** Can take on a state: memory never shrinks, and its size is part of the state. */
  canApply(image: StateImage): boolean {
    return this.memory.pages <= (image.anchors[0] ?? 0) && !this.isBloated
  }

  /** Takes over a whole memory that another host of this module saved. The stack pointer is at rest in both. */
  adopt(memory: Uint8Array): void {
    if (memory.length % PAGE_BYTES !== 0 || memory.length < this.memory.sizeBytes)
      throw new GuestFault('memory', `a memory of ${memory.length} bytes is none of this program`)
    if (memory.length / PAGE_BYTES > this.#pagesMax)
      throw new GuestFault('memory', `a memory of ${memory.length} bytes is more than this process may have`)
    this.memory.growTo(memory.length / PAGE_BYTES)
    this.memory.overwrite(memory)
    this.#stateBytes = null
    if (this.#regions === null) return
    this.memory.clear(this.#regions.stackEnd, this.#regions.stackBase)
    this.#noteHeap()
    this.memory.clear(this.#heapEnd, memory.length)
  }

  /** Becomes the image, exactly. */
  apply(image: StateImage): void {
    this.memory.growTo(image.anchors[0] ?? 0)
    if (this.#regions === null) applyMemory(this.memory, image)
    else {
      this.memory.clear(image.ranges.at(-1)?.end ?? 0, this.memory.sizeBytes)
      applyImage(this.memory.bytes, image, 0)
    }
    this.#heapEnd = image.ranges.at(-1)?.end ?? 0
    this.#stateBytes = null
    for (const [i, global] of this.#globals.entries()) global.value = valueOfBits(image.globals[i] ?? 0n, global.value)
  }

  #place(text: string): Word {
    const bytes = Buffer.from(text, 'utf8')
    const address = this.run('stackAlloc', this.word(this.compiled.dialect.stackBytes(text, bytes.length)))!
    this.#checkStack()
    const target = this.memory.slice(Number(address), bytes.length + 1)
    target.set(bytes)
    target[bytes.length] = 0
    return address
  }

  /** C does not notice when its stack grows over other data: the state is then spoilt. */
  #checkStack(): void {
    if (this.#regions !== null && this.#stackLowAddress() < this.#regions.stackEnd) throw new GuestFault('stack', 'stack overflow')
  }

  #stackLowAddress(): number {
    return this.#stackLow === null ? Number.POSITIVE_INFINITY : this.#address(this.#stackLow.value)
  }

  /** The stack pointer is set, not asked to be restored: what the module has for that may not come back. */
  #clearStack(): void {
    this.#tempRet0 = 0
    this.#stateBytes = null
    if (this.#stackPointer === null || this.#stackLow === null) return
    this.#stackPointer.value = this.#stackRest
    if (this.#regions === null) return
    const { stackEnd, stackBase } = this.#regions
    const lowest = Math.max(stackEnd, Math.min(this.#stackLowAddress(), stackBase) - STACK_RED_ZONE_BYTES)
    this.memory.bytes.fill(0, lowest, stackBase)
    this.#stackLowest = Math.min(this.#stackLowest, lowest)
    this.#stackLow.value = this.#stackRest
  }

  /** Stack between static data and heap, empty between calls: then everything else can be told. */
  #findRegions(): { readonly stackEnd: number; readonly stackBase: number } | null {
    const { layout } = this.compiled.dialect
    if (this.#stackLow === null || (!this.has('sbrk') && layout === undefined)) return null
    const stackEnd = layout?.stackEnd ?? this.#askAddress('stackEnd')
    const stackBase = layout?.stackBase ?? this.#askAddress('stackBase')
    if (stackEnd === null || stackBase === null || this.#address(this.#stackRest) !== stackBase) return null
    const heapEnd = this.#askHeapEnd()
    return stackEnd <= stackBase && stackBase <= heapEnd && heapEnd <= this.memory.sizeBytes ? { stackEnd, stackBase } : null
  }

  #noteUsed(): void {
    this.#gasUsed = this.#gas.used
    this.#unitsUsed = this.#gas.coarseUsed
  }

  /** Above the heap all is zero, also when it has become smaller. */
  #noteHeap(): void {
    for (const counter of this.#counters) counter.value = GAS_AT_REST
    if (this.#regions === null) return
    const end = this.#askHeapEnd()
    if (!(end >= this.#regions.stackBase && end <= this.memory.sizeBytes))
      throw new GuestFault('trap', `the program says that its heap ends at ${end}, which cannot be`)
    if (end < this.#heapEnd) this.memory.clear(end, this.#heapEnd)
    this.#heapEnd = end
  }

  #askAddress(role: ExportRole): number | null {
    const address = this.run(role)
    return address === undefined ? null : this.#address(address)
  }

  #askHeapEnd(): number {
    const { layout } = this.compiled.dialect
    return layout === undefined ? this.#address(this.run('sbrk', this.word(0))!) : this.memory.readWord(layout.heapEndAddress)
  }

  #address(word: Word): number {
    return typeof word === 'bigint' ? Number(word) : word >>> 0
  }

  #ranges(): readonly Range[] {
    if (this.#regions === null) return usedRanges(this.memory.bytes)
    const { stackEnd, stackBase } = this.#regions
    return [
      { start: 0, end: stackEnd },
      { start: stackBase, end: this.#heapEnd },
    ]
  }

  #tick(): void {
    this.#hostCalls += 1
    if (this.#hostCalls < HOST_CALLS_PER_CHARGE) return
    this.#hostCalls = 0
    this.#gas.charge(HOST_CALLS_PER_CHARGE * UNITS_PER_HOST_CALL)
  }

  /** The first thing that a host function throws is what the call ends with, also when the module catches all exceptions. */
  #remember(thrown: unknown): void {
    const isFault = thrown instanceof GuestFault
    if (!isFault) this.#trouble ??= thrown
    this.#gas.halt(isFault ? thrown : new GuestFault('trap', 'the host could not go on'))
  }

  get #pagesMax(): number {
    return Math.min(Math.floor(this.#limits.memoryBytesMax / PAGE_BYTES), this.compiled.pagesMax)
  }

  #growTo(sizeBytes: number): boolean {
    const wanted = Math.ceil(sizeBytes / PAGE_BYTES)
    const pagesMax = this.#pagesMax
    const now = this.memory.pages
    if (wanted <= now) return true
    if (!(wanted <= pagesMax)) {
      this.#wasRefused = true
      return false
    }
    this.#gas.chargeBytes((wanted - now) * PAGE_BYTES)
    this.memory.growTo(Math.min(pagesMax, Math.max(wanted, Math.floor(now * GROWTH_FACTOR))))
    return true
  }

  #imports(): WebAssembly.Imports {
    const { shape, dialect } = this.compiled
    const context: HostContext = {
      memory: this.memory,
      drive: this.#drive,
      charge: (units) => this.#gas.charge(units),
      chargeBytes: (size) => this.#gas.chargeBytes(size),
      growTo: (sizeBytes) => this.#growTo(sizeBytes),
      setTempRet0: (value) => {
        this.#tempRet0 = value
        this.run('setTempRet0', value)
      },
      getTempRet0: () => this.#tempRet0,
    }
    return linkImports(shape.layout, dialect, {
      functions: { ...hostFunctions(context), ...this.#meteringFunctions(), ...dialect.imports?.(this) },
      setjmp: {
        stackSave: () => this.run('stackSave')!,
        stackRestore: (pointer) => void this.run('stackRestore', pointer),
        setThrew: (jumper, value) => void this.run('setThrew', jumper, value),
      },
      tableFunction: (index) => this.#tableFunction(index),
      dynamicCall: (signature) =>
        this.compiled.hasLegacyGas ? (this.#raw[`dynCall_${signature}`] as unknown as GuestFunction | undefined) : undefined,
      word: (value) => this.word(value),
      tick: () => this.#tick(),
      remember: (thrown) => this.#remember(thrown),
    })
  }

  #tableFunction(index: number): GuestFunction {
    const known = this.#tableFunctions[index]
    if (known !== undefined) return known
    const found = this.#table?.get(index) as GuestFunction | null | undefined // Throws RangeError beyond its end.
    if (typeof found !== 'function') throw new GuestFault('trap', `the program called function ${index} of its table, which is not there`)
    this.#tableFunctions[index] = found
    return found
  }

  #global<Value extends Word>(name: string): Global<Value> | null {
    return (this.#raw[name] as unknown as Global<Value> | undefined) ?? null
  }

  /** For binaries that were metered by their maker, and those that ask what they used. */
  #meteringFunctions(): HostFunctions {
    return {
      usegas: (amount) => void this.#gas.usegas(amount!),
      metering_gasUsed: () => this.#gas.legacyUsed,
    }
  }

  /** Why the program stopped, from whatever came out of it. */
  #explain(thrown: unknown): unknown {
    if (this.#trouble !== null) return this.#trouble
    if (isLongJump(thrown)) return new GuestFault('trap', 'the program crashed: it jumped to a place that is gone')
    const fault = this.#faultOf(thrown)
    if (!this.#wasRefused || !(fault instanceof GuestFault) || fault.kind !== 'trap') return fault
    return new GuestFault('memory', `not enough memory (limit ${this.#limits.memoryBytesMax} bytes): ${fault.message}`, { cause: fault })
  }

  #faultOf(thrown: unknown): unknown {
    const fault = this.#gas.faultOf(thrown)
    const isMisuse = fault instanceof RangeError || fault instanceof TypeError // Of its function table.
    return isMisuse ? new GuestFault('trap', `the program crashed: ${fault.message}`, { cause: fault }) : fault
  }
}

function instantiate({ code, shape }: CompiledModule, imports: WebAssembly.Imports): WebAssembly.Exports {
  try {
    return new WebAssembly.Instance(code, imports).exports
  } catch (thrown) {
    const isOfModule = thrown instanceof WebAssembly.LinkError || thrown instanceof WebAssembly.RuntimeError || thrown instanceof TypeError
    throw isOfModule ? shape.layout.refuse(`it does not start: ${thrown.message}`) : thrown
  }
}
