/**
 * One running QuickJS interpreter: the metered binary under a host that offers nothing but memory, the message's time and source files.
 *
 * Wire        A value of the guest is 64 bits; here a bigint, whose upper half says what it is. Addresses are numbers.
 * Invariants  No clock, randomness, file, network or process reaches the guest. Its time zone is UTC.
 *             All state is in linear memory above the stack. Memory has a fixed size at rest, since the guest takes whatever pages there are:
 *             a state can only be applied to an instance that has as many pages, so one with more is replaced.
 */
import { asBuffer } from '../../base/bytes.ts'
import { GuestFault } from '../guest.ts'
import { GAS_EXPORT, meterModule, STACK_LOW_EXPORT, STACK_RED_ZONE_BYTES } from '../wasm/meter.ts'
import { JS_GARBAGE_BYTES_MIN, JS_PARTS, JS_RECURSION_BYTES_MAX, JS_STACK_BYTES, JS_STACK_POINTER, readJsBinary } from './js-binary.ts'

export type Pointer = number
/** What the guest calls a JSValue. */
export type JsValue = bigint

/** How a source is read; the numbers of the binary. */
export const EVAL = { strictScript: 8 } as const
const TAG = { undefined: 3n, exception: 6n } as const
export const UNDEFINED: JsValue = TAG.undefined << 32n
const PAGE_BYTES = 65_536
/** Gas until a call sets its own: covers start-up code. */
const GAS_AT_START = 1n << 60n
const BINARIES_KEPT = 8
const WASI_ERRNO = { success: 0, badFile: 8 } as const

interface JsExports {
  readonly memory: WebAssembly.Memory
  readonly gas: WebAssembly.Global<'i64'>
  readonly stackPointer: WebAssembly.Global<'i32'>
  readonly stackLow: WebAssembly.Global<'i32'>
  _initialize(): void
  qjs_init2(parts: number): number
  qjs_set_max_stack_size(size: number): void
  qjs_set_gc_threshold(size: number): void
  qjs_set_module_loader(isOn: number): void
  qjs_set_promise_rejection_handler(isOn: number): void
  qjs_get_context_ptr(): Pointer
  qjs_get_runtime_ptr(): Pointer
  qjs_eval(source: Pointer, size: number, fileName: Pointer, flags: number): Pointer
  qjs_new_host_function(name: Pointer, nameSize: number, id: number): Pointer
  qjs_get_string_len(value: Pointer, size: Pointer): Pointer
  qjs_get_float64(value: Pointer): number
  qjs_free_cstring(text: Pointer): void
  qjs_is_exception(value: Pointer): number
  qjs_free_value(value: Pointer): void
  qjs_dup_value(value: Pointer): Pointer
  wasm_malloc(size: number): Pointer
  wasm_free(address: Pointer): void
  JS_Call(context: Pointer, callee: JsValue, self: JsValue, count: number, args: Pointer): JsValue
  JS_FreeValue(context: Pointer, value: JsValue): void
  JS_DupValue(context: Pointer, value: JsValue): JsValue
  JS_ParseJSON(context: Pointer, text: Pointer, size: number, fileName: Pointer): JsValue
  JS_NewUint8ArrayCopy(context: Pointer, bytes: Pointer, size: number): JsValue
  JS_GetUint8Array(context: Pointer, size: Pointer, value: JsValue): Pointer
  JS_NewStringLen(context: Pointer, text: Pointer, size: number): JsValue
  JS_ToCStringLen2(context: Pointer, size: Pointer, value: JsValue, isCesu: number): Pointer
  JS_FreeCString(context: Pointer, text: Pointer): void
  JS_GetPropertyUint32(context: Pointer, value: JsValue, index: number): JsValue
  JS_GetException(context: Pointer): JsValue
  JS_HasException(context: Pointer): number
  JS_RunGC(runtime: Pointer): void
  JS_IsJobPending(runtime: Pointer): number
  JS_ExecutePendingJob(runtime: Pointer, context: Pointer): number
}

const FUNCTIONS = [
  '_initialize',
  'qjs_init2',
  'qjs_set_max_stack_size',
  'qjs_set_gc_threshold',
  'qjs_set_module_loader',
  'qjs_set_promise_rejection_handler',
  'qjs_get_context_ptr',
  'qjs_get_runtime_ptr',
  'qjs_eval',
  'qjs_new_host_function',
  'qjs_get_string_len',
  'qjs_get_float64',
  'qjs_free_cstring',
  'qjs_is_exception',
  'qjs_free_value',
  'qjs_dup_value',
  'wasm_malloc',
  'wasm_free',
  'JS_Call',
  'JS_FreeValue',
  'JS_DupValue',
  'JS_ParseJSON',
  'JS_NewUint8ArrayCopy',
  'JS_GetUint8Array',
  'JS_NewStringLen',
  'JS_ToCStringLen2',
  'JS_FreeCString',
  'JS_GetPropertyUint32',
  'JS_GetException',
  'JS_HasException',
  'JS_RunGC',
  'JS_IsJobPending',
  'JS_ExecutePendingJob',
] as const satisfies readonly (keyof JsExports)[]

/** What the guest asks of its program. */
export interface JsHost {
  /** The source of a module, by its resolved name; null when there is none. */
  source(name: string): Uint8Array | null
  /** The name of what `specifier` means in the module `from`. */
  resolve(from: string, specifier: string): string
  /** A promise was rejected and nobody has looked at it yet, or now somebody has. */
  rejection(promise: Pointer, reason: Pointer, isHandled: boolean): void
  /** Milliseconds since 1970. */
  nowMs(): number
}

/** Metered and compiled, by the memory that it allows. */
const compiled = new Map<number, WebAssembly.Module>()

export function jsModule(memoryBytesMax: number): WebAssembly.Module {
  const known = compiled.get(memoryBytesMax)
  if (known !== undefined) return known
  const options = { module: 'quickjs', memoryBytesMax, gas: GAS_AT_START, stackPointer: JS_STACK_POINTER }
  const module = new WebAssembly.Module(meterModule(readJsBinary(), options).bytes)
  const [oldest] = compiled.keys()
  if (compiled.size >= BINARIES_KEPT && oldest !== undefined) compiled.delete(oldest)
  compiled.set(memoryBytesMax, module)
  return module
}

export function isException(value: JsValue): boolean {
  return BigInt.asIntN(32, value >> 32n) === TAG.exception
}

export class JsEngine {
  readonly exports: JsExports
  readonly #host: JsHost
  #bytes: Buffer
  #view: DataView

  constructor(memoryBytesMax: number, host: JsHost) {
    this.#host = host
    this.exports = namedExports(new WebAssembly.Instance(jsModule(memoryBytesMax), this.#imports()).exports)
    this.#bytes = asBuffer(new Uint8Array(this.exports.memory.buffer))
    this.#view = new DataView(this.exports.memory.buffer)
  }

  /** From nothing to an interpreter that has read no source. */
  start(): void {
    const { exports } = this
    exports._initialize()
    if (exports.qjs_init2(JS_PARTS) !== 0) throw this.outOfMemory()
    exports.qjs_set_max_stack_size(JS_RECURSION_BYTES_MAX)
    exports.qjs_set_gc_threshold(JS_GARBAGE_BYTES_MIN)
    exports.qjs_set_module_loader(1)
    exports.qjs_set_promise_rejection_handler(1)
  }

  /** The whole memory as it is now; growth makes older views useless. */
  get bytes(): Buffer {
    if (this.#bytes.length === 0) this.#refreshViews()
    return this.#bytes
  }

  get view(): DataView {
    if (this.#bytes.length === 0) this.#refreshViews()
    return this.#view
  }

  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength
  }

  growTo(size: number): void {
    const missing = Math.ceil((size - this.memoryBytes) / PAGE_BYTES)
    if (missing <= 0) return
    try {
      this.exports.memory.grow(missing)
    } catch (cause) {
      // The node, not the guest, is short of memory. Other nodes go on, so this must not become a result: no GuestFault.
      throw new Error(`this node has no ${size} bytes of memory for a process`, { cause })
    }
    this.#refreshViews()
  }

  /** Ends a call into the interpreter: puts the stack pointer back and clears what the stack held, some of which C would carry on as padding. */
  clearStack(): void {
    const { stackPointer, stackLow } = this.exports
    stackPointer.value = JS_STACK_BYTES
    const low = Math.min(stackLow.value >>> 0, JS_STACK_BYTES) - STACK_RED_ZONE_BYTES
    this.bytes.fill(0, Math.max(low, 0), JS_STACK_BYTES)
    stackLow.value = JS_STACK_BYTES
  }

  /** A copy in the guest's memory, with a zero after it. */
  place(bytes: Uint8Array): Pointer {
    const address = this.exports.wasm_malloc(bytes.length + 1)
    if (address === 0) throw this.outOfMemory()
    this.bytes.set(bytes, address)
    this.bytes[address + bytes.length] = 0
    return address
  }

  outOfMemory(): GuestFault {
    return new GuestFault('memory', 'out of memory')
  }

  /** Bulk work of the host counts like the guest's own: a unit per started 32 bytes. */
  charge(size: number): void {
    const { gas } = this.exports
    gas.value -= BigInt((size >>> 5) + 1)
    if (gas.value < 0n) throw new GuestFault('gas', 'out of gas')
  }

  #refreshViews(): void {
    this.#bytes = asBuffer(new Uint8Array(this.exports.memory.buffer))
    this.#view = new DataView(this.exports.memory.buffer)
  }

  #text(address: Pointer): string {
    const { bytes } = this
    return bytes.toString('utf8', address, bytes.indexOf(0, address))
  }

  #imports(): WebAssembly.Imports {
    const answer = (value: number) => (): number => value
    const { success, badFile } = WASI_ERRNO
    return {
      env: {
        host_get_timezone_offset: answer(0),
        host_interrupt: answer(0),
        host_promise_rejection: (promise: Pointer, reason: Pointer, isHandled: number) =>
          this.#host.rejection(promise, reason, isHandled !== 0),
        host_module_normalize: (from: Pointer, specifier: Pointer) => this.#resolve(from, specifier),
        host_module_load: (name: Pointer, size: Pointer) => this.#load(name, size),
        host_call: (_name: Pointer, _size: number, _self: Pointer, count: number, args: Pointer) => this.#evaluate(count, args),
      },
      wasi_snapshot_preview1: {
        clock_time_get: (_clock: number, _precision: bigint, time: Pointer) => {
          this.view.setBigUint64(time, BigInt(Math.trunc(this.#host.nowMs())) * 1_000_000n, true)
          return success
        },
        // QuickJS seeds a generator from the clock and this; programs get another one.
        random_get: (address: Pointer, size: number) => {
          this.bytes.fill(0, address, address + size)
          return success
        },
        fd_close: answer(badFile),
        fd_fdstat_get: answer(badFile),
        fd_seek: answer(badFile),
        fd_write: answer(badFile),
      },
    }
  }

  #resolve(from: Pointer, specifier: Pointer): Pointer {
    const name = Buffer.from(this.#host.resolve(this.#text(from), this.#text(specifier)))
    this.charge(name.length)
    return this.place(name)
  }

  /** 0: the guest gets an error that names the module. */
  #load(name: Pointer, size: Pointer): Pointer {
    const source = this.#host.source(this.#text(name))
    if (source === null) return 0
    this.charge(source.length)
    const address = this.place(source)
    this.view.setUint32(size, source.length, true)
    return address
  }

  /** The one function of the host that JavaScript can call, known to the prelude only: evaluate(source, file name, how). */
  #evaluate(count: number, args: Pointer): Pointer {
    if (count !== 3) throw new Error(`the prelude calls the host with ${count} arguments, expected 3`)
    const { exports, view } = this
    const [source = 0, fileName = 0, flags = 0] = [0, 4, 8].map((offset) => view.getUint32(args + offset, true))
    const cell = exports.wasm_malloc(8)
    if (cell === 0) throw this.outOfMemory()
    const text = exports.qjs_get_string_len(source, cell)
    const size = this.view.getUint32(cell, true)
    const name = exports.qjs_get_string_len(fileName, cell)
    exports.wasm_free(cell)
    if (text === 0 || name === 0) throw this.outOfMemory()
    const value = exports.qjs_eval(text, size, name, exports.qjs_get_float64(flags))
    exports.qjs_free_cstring(text)
    exports.qjs_free_cstring(name)
    return exports.qjs_is_exception(value) === 0 ? value : 0
  }
}

/** The few of some five hundred that are used, in an object that is quick to use. */
function namedExports(raw: WebAssembly.Exports): JsExports {
  const named: Record<string, unknown> = {
    memory: raw['memory'],
    gas: raw[GAS_EXPORT],
    stackPointer: raw[`heddle.global.${JS_STACK_POINTER}`],
    stackLow: raw[STACK_LOW_EXPORT],
  }
  for (const name of FUNCTIONS) named[name] = raw[name]
  return named as unknown as JsExports
}
