/**
 * A QuickJS interpreter with our prelude in it: starts modules, handles messages, and gives its state.
 *
 * Wire        Cells: one block in the guest's memory for what the host needs again (see CELL). The functions are those that
 *             processes/js/prelude.js returns, in its order.
 * Invariants  Whatever goes wrong is a GuestFault; then, and whenever a state is applied, nothing of the failed call is left.
 */
import { toText, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import { type FailureKind, type GuestEnv, GuestFault, type GuestLimits, type Reply } from '../guest.ts'
import { applyImage, type ImageBuffer, type Range, type StateImage } from '../wasm/state-image.ts'
import { JS_STACK_BYTES } from './js-binary.ts'
import { EVAL, isException, JsEngine, type JsHost, type JsValue, type Pointer, UNDEFINED } from './js-engine.ts'
import { transcodeMessage } from './js-message.ts'
import { transcodeReply } from './js-reply.ts'
import { type JsSource, ownSource, PRELUDE_NAME, PROCESS_MODULE, resolveImport } from './js-source.ts'
import { type Incoming, incomingOf, malformed, parseOwn, replyOfFields, replyOfJson, splitFields } from './js-values.ts'

/** What the prelude gives, in order. */
const FUNCTION = { load: 0, identify: 1, handle: 2, finish: 3, bytesAt: 4, rejected: 5, fieldsAsJson: 6, forget: 7 } as const
const FUNCTION_COUNT = 8
/** Offsets: the functions, the time of the message (f64), a size, arguments of calls, arguments of `rejected`, a name for parsed JSON. */
const CELL = { functions: 0, now: 64, size: 72, args: 80, rejection: 104, name: 128 } as const
const CELLS_BYTES = 144
const JSON_NAME = utf8('message\0')
const MAILBOX_BYTES = 16 * 1024
/** A reply up to this size stays in the guest until the next message, which is cheaper than to have it forgotten. */
const FIELDS_KEPT_MAX = 4096
const VALUE_BYTES = 8
const FAILED = '!'.charCodeAt(0)
/** Names and marks around what a program sent. */
const REPLY_OVERHEAD_BYTES_MAX = 1024 * 1024
const FAILURE_KINDS: Readonly<Record<string, FailureKind>> = { e: 'error', m: 'memory', s: 'stack' }

export class JsMachine {
  readonly #limits: GuestLimits
  readonly #source: JsSource
  #engine: JsEngine
  #cells: Pointer = 0
  #mailbox: Pointer = 0
  /** The module exports `handle`: it wants messages as objects. */
  #wantsObjects = false
  #gasUsed = 0

  constructor(source: JsSource, limits: GuestLimits) {
    this.#source = source
    this.#limits = limits
    this.#engine = new JsEngine(limits.memoryBytesMax, this.#host())
  }

  get gasUsed(): number {
    return this.#gasUsed
  }

  get stateBytes(): number {
    return this.#engine.memoryBytes - JS_STACK_BYTES
  }

  /** From nothing to a loaded module. */
  start(): void {
    this.#metered(() => {
      this.#engine.start()
      this.#runPrelude()
      for (const name of [PROCESS_MODULE, this.#source.main]) {
        const loaded = this.#exchange(FUNCTION.load, [this.#string(name)], (address, size) => this.#textAt(address, size))
        this.#wantsObjects = (parseOwn(loaded) as { readonly Output?: unknown }).Output === 'handle'
      }
      this.#engine.exports.JS_RunGC(this.#runtime)
    })
  }

  /** Tells a copy of the loaded module which process it is. */
  identify(process: TxId, env: GuestEnv): void {
    const seed = new DataView(sha256(utf8(process)).buffer)
    const words = [0, 4, 8].map((at) => seed.getInt32(at, true))
    this.#metered(() =>
      this.#exchange(FUNCTION.identify, [this.#parsed(JSON.stringify(env)), this.#parsed(JSON.stringify(words))], () => undefined),
    )
  }

  handle(message: Uint8Array): Reply {
    const direct = this.#wantsObjects ? null : transcodeMessage(message)
    const incoming = direct ?? incomingOf(message, this.#wantsObjects)
    return this.#metered(() => {
      if (incoming.timestampMs !== null) this.#engine.view.setFloat64(this.#cells + CELL.now, incoming.timestampMs, true)
      const args = 'kind' in incoming ? this.#arguments(incoming) : [this.#stringOf(incoming.text), this.#string(incoming.beside)]
      const reply = this.#exchange(FUNCTION.handle, args, (address, size) => this.#replyAt(address, size))
      if (reply.values.length > this.#limits.resultBytesMax) throw this.#tooLarge()
      return reply
    })
  }

  capture(buffer: ImageBuffer): StateImage {
    const ranges: Range[] = [{ start: JS_STACK_BYTES, end: this.#engine.memoryBytes }]
    return buffer.capture(this.#engine.bytes, { ranges, globals: [], anchors: [this.#cells, this.#mailbox, Number(this.#wantsObjects)] })
  }

  apply(image: StateImage): void {
    const end = image.ranges.at(-1)?.end ?? 0
    if (this.#engine.memoryBytes > end) this.#engine = new JsEngine(this.#limits.memoryBytesMax, this.#host())
    this.#engine.growTo(end)
    applyImage(this.#engine.bytes, image, end)
    this.#engine.clearStack()
    const [cells = 0, mailbox = 0, wantsObjects = 0] = image.anchors
    this.#cells = cells
    this.#mailbox = mailbox
    this.#wantsObjects = wantsObjects !== 0
  }

  #host(): JsHost {
    const own = ownSource()
    return {
      source: (name) => own.files.get(name) ?? this.#source.files.get(name) ?? null,
      resolve: resolveImport,
      rejection: (promise, reason, isHandled) => this.#rejected(promise, reason, isHandled),
      nowMs: () => (this.#cells === 0 ? 0 : this.#engine.view.getFloat64(this.#cells + CELL.now, true)),
    }
  }

  get #context(): Pointer {
    return this.#engine.exports.qjs_get_context_ptr()
  }

  get #runtime(): Pointer {
    return this.#engine.exports.qjs_get_runtime_ptr()
  }

  #runPrelude(): void {
    const { exports } = this.#engine
    const { prelude } = ownSource()
    const mailbox = exports.wasm_malloc(MAILBOX_BYTES)
    const cells = exports.wasm_malloc(CELLS_BYTES)
    if (mailbox === 0 || cells === 0) throw this.#engine.outOfMemory()
    this.#engine.bytes
      .fill(0, mailbox, mailbox + MAILBOX_BYTES)
      .fill(0, cells, cells + CELLS_BYTES)
      .set(JSON_NAME, cells + CELL.name)
    const text = this.#engine.place(prelude)
    const name = this.#engine.place(utf8(PRELUDE_NAME))
    const made = exports.qjs_eval(text, prelude.length, name, EVAL.strictScript)
    exports.wasm_free(text)
    exports.wasm_free(name)
    const evaluate = exports.qjs_new_host_function(cells + CELL.name, 0, 0)
    const entry = this.#takeFrom(made)
    const given = this.#call(entry, [this.#takeFrom(evaluate)], cells + CELL.args)
    for (let index = 0; index < FUNCTION_COUNT; index++) {
      const value = exports.JS_GetPropertyUint32(this.#context, given, index)
      this.#engine.view.setBigInt64(cells + CELL.functions + index * VALUE_BYTES, value, true)
    }
    exports.JS_FreeValue(this.#context, given)
    exports.JS_FreeValue(this.#context, entry)
    this.#cells = cells
    this.#mailbox = mailbox
  }

  /** The value in a heap cell, without the cell. */
  #takeFrom(cell: Pointer): JsValue {
    if (cell === 0) throw this.#engine.outOfMemory()
    const { exports, view } = this.#engine
    const value = exports.JS_DupValue(this.#context, view.getBigInt64(cell, true))
    exports.qjs_free_value(cell)
    if (isException(value)) throw this.#exception()
    return value
  }

  /** Calls, runs all jobs, and gives what `finish` says, as `read` reads it. */
  #exchange<T>(index: number, args: readonly JsValue[], read: (address: Pointer, size: number) => T): T {
    const { exports } = this.#engine
    exports.JS_FreeValue(this.#context, this.#call(this.#function(index), args))
    this.#runJobs()
    const value = this.#call(this.#function(FUNCTION.finish), [])
    const result = this.#withText(value, (address, size) => {
      if (this.#engine.bytes[address] === FAILED) throw this.#failure(this.#textAt(address + 1, size - 1))
      return read(address, size)
    })
    exports.JS_FreeValue(this.#context, value)
    return result
  }

  /** From a letter for the kind, and a text. */
  #failure(text: string): GuestFault {
    return new GuestFault(FAILURE_KINDS[text[0] ?? ''] ?? 'error', text.slice(1))
  }

  #replyAt(address: Pointer, size: number): Reply {
    const values = transcodeReply(this.#engine.bytes, address, address + size)
    const reply = values === null ? this.#replyOf(this.#textAt(address, size)) : { values, isError: false }
    if (size > FIELDS_KEPT_MAX) this.#engine.exports.JS_FreeValue(this.#context, this.#call(this.#function(FUNCTION.forget), []))
    return reply
  }

  #replyOf(text: string): Reply {
    const bytesAt = (index: number): Uint8Array | null => this.#bytesAt(index)
    if (!text.startsWith('=')) return replyOfJson(text, bytesAt)
    return replyOfFields(splitFields(text) ?? this.#fields(), bytesAt)
  }

  /** The fields of the reply, when they hold NULs. */
  #fields(): string[] {
    const value = this.#call(this.#function(FUNCTION.fieldsAsJson), [])
    const text = this.#textOf(value)
    this.#engine.exports.JS_FreeValue(this.#context, value)
    const fields = parseOwn(text)
    if (Array.isArray(fields) && fields.every((field) => typeof field === 'string')) return fields
    throw malformed()
  }

  #runJobs(): void {
    const { exports } = this.#engine
    const runtime = this.#runtime
    while (exports.JS_IsJobPending(runtime) !== 0) {
      if (exports.JS_ExecutePendingJob(runtime, this.#cells + CELL.size) >= 0) continue
      const error = exports.JS_GetException(this.#context)
      const args = [error, exports.JS_DupValue(this.#context, error), 0n]
      exports.JS_FreeValue(this.#context, this.#call(this.#function(FUNCTION.rejected), args))
    }
  }

  #function(index: number): JsValue {
    return this.#engine.view.getBigInt64(this.#cells + CELL.functions + index * VALUE_BYTES, true)
  }

  /** Frees the arguments. */
  #call(callee: JsValue, args: readonly JsValue[], at: Pointer = this.#cells + CELL.args): JsValue {
    const { exports } = this.#engine
    const isLong = args.length * VALUE_BYTES > CELL.rejection - CELL.args
    const list = isLong ? exports.wasm_malloc(args.length * VALUE_BYTES) : at
    if (list === 0) throw this.#engine.outOfMemory()
    const { view } = this.#engine
    let end = list
    for (const arg of args) {
      view.setBigInt64(end, arg, true)
      end += VALUE_BYTES
    }
    const value = exports.JS_Call(this.#context, callee, UNDEFINED, args.length, list)
    this.#engine.bytes.fill(0, list, end)
    if (isLong) exports.wasm_free(list)
    for (const arg of args) exports.JS_FreeValue(this.#context, arg)
    if (isException(value)) throw this.#exception()
    return value
  }

  #arguments({ kind, text, beside, bytes }: Incoming): JsValue[] {
    const isText = kind === 'fields'
    const both = isText ? [this.#string(text), this.#string(beside)] : [this.#parsed(text), this.#parsed(beside)]
    return [...both, ...bytes.map((one) => this.#uint8Array(one))]
  }

  #parsed(json: string): JsValue {
    const { exports } = this.#engine
    return this.#read(json, (address, size) => exports.JS_ParseJSON(this.#context, address, size, this.#cells + CELL.name))
  }

  #string(text: string): JsValue {
    const { exports } = this.#engine
    return this.#read(text, (address, size) => exports.JS_NewStringLen(this.#context, address, size))
  }

  #uint8Array(bytes: Uint8Array): JsValue {
    this.#engine.charge(bytes.length)
    const address = this.#engine.place(bytes)
    const value = this.#engine.exports.JS_NewUint8ArrayCopy(this.#context, address, bytes.length)
    this.#engine.exports.wasm_free(address)
    if (isException(value)) throw this.#exception()
    return value
  }

  /** Of UTF-8. */
  #stringOf(text: Uint8Array): JsValue {
    const write = (address: Pointer): void => this.#engine.bytes.set(text, address)
    return this.#place(text.length, write, (address) => this.#engine.exports.JS_NewStringLen(this.#context, address, text.length))
  }

  #read(text: string, read: (address: Pointer, size: number) => JsValue): JsValue {
    const size = Buffer.byteLength(text)
    return this.#place(
      size,
      (address) => this.#engine.bytes.write(text, address, size, 'utf8'),
      (address) => read(address, size),
    )
  }

  /** Has something written where `read` finds it, with a zero after it. */
  #place(size: number, write: (address: Pointer) => void, read: (address: Pointer) => JsValue): JsValue {
    const { exports } = this.#engine
    this.#engine.charge(size)
    const isLarge = size >= MAILBOX_BYTES
    const address = isLarge ? exports.wasm_malloc(size + 1) : this.#mailbox
    if (address === 0) throw this.#engine.outOfMemory()
    write(address)
    this.#engine.bytes[address + size] = 0
    const value = read(address)
    if (isLarge) exports.wasm_free(address)
    else this.#engine.bytes.fill(0, address, address + size)
    if (isException(value)) throw this.#exception()
    return value
  }

  #textOf(value: JsValue): string {
    return this.#withText(value, (address, size) => this.#textAt(address, size))
  }

  #textAt(address: Pointer, size: number): string {
    return this.#engine.bytes.toString('utf8', address, address + size)
  }

  /** Shows a string of the guest as UTF-8 to `read`. */
  #withText<T>(value: JsValue, read: (address: Pointer, size: number) => T): T {
    const { exports } = this.#engine
    const address = exports.JS_ToCStringLen2(this.#context, this.#cells + CELL.size, value, 0)
    if (address === 0) throw this.#exception()
    const size = this.#engine.view.getUint32(this.#cells + CELL.size, true)
    this.#engine.charge(size)
    // As JSON a byte takes six at most.
    if (size > this.#limits.resultBytesMax * 6 + REPLY_OVERHEAD_BYTES_MAX) throw this.#tooLarge()
    const result = read(address, size)
    exports.JS_FreeCString(this.#context, address)
    return result
  }

  /** Null when the program named bytes that are not there. */
  #bytesAt(index: number): Uint8Array | null {
    if (!Number.isSafeInteger(index) || index < 0 || index >= 2 ** 31) return null
    const { exports } = this.#engine
    const value = this.#call(this.#function(FUNCTION.bytesAt), [BigInt(index)])
    const address = exports.JS_GetUint8Array(this.#context, this.#cells + CELL.size, value)
    if (exports.JS_HasException(this.#context) !== 0) exports.JS_FreeValue(this.#context, exports.JS_GetException(this.#context))
    const size = address === 0 ? 0 : this.#engine.view.getUint32(this.#cells + CELL.size, true)
    this.#engine.charge(size)
    if (size > this.#limits.resultBytesMax) throw this.#tooLarge()
    const bytes = address === 0 ? null : new Uint8Array(this.#engine.bytes.subarray(address, address + size))
    exports.JS_FreeValue(this.#context, value)
    return bytes
  }

  #rejected(promise: Pointer, reason: Pointer, isHandled: boolean): void {
    const args = [this.#takeFrom(promise), this.#takeFrom(reason), isHandled ? 1n : 0n]
    const { exports } = this.#engine
    if (this.#cells === 0) return
    exports.JS_FreeValue(this.#context, this.#call(this.#function(FUNCTION.rejected), args, this.#cells + CELL.rejection))
  }

  /** What the interpreter threw where nothing in it could catch it. */
  #exception(): GuestFault {
    const { exports } = this.#engine
    const error = exports.JS_GetException(this.#context)
    const size = exports.wasm_malloc(4)
    const address = size === 0 ? 0 : exports.JS_ToCStringLen2(this.#context, size, error, 0)
    if (address === 0) return this.#engine.outOfMemory()
    const text = toText(this.#engine.bytes.subarray(address, address + this.#engine.view.getUint32(size, true)))
    return new GuestFault(text.endsWith('out of memory') ? 'memory' : text.includes('call stack size') ? 'stack' : 'error', text)
  }

  #tooLarge(): GuestFault {
    return new GuestFault('error', `the result is larger than ${this.#limits.resultBytesMax} bytes`)
  }

  #metered<T>(run: () => T): T {
    const { gasMax } = this.#limits
    this.#engine.exports.gas.value = BigInt(gasMax)
    try {
      return run()
    } catch (thrown) {
      throw this.#fault(thrown)
    } finally {
      this.#gasUsed = Math.min(gasMax, gasMax - Number(this.#engine.exports.gas.value))
      this.#engine.clearStack()
    }
  }

  /** Why the program stopped, from whatever came out of it. */
  #fault(thrown: unknown): unknown {
    if (this.#engine.exports.gas.value < 0n) return new GuestFault('gas', `out of gas: limit ${this.#limits.gasMax}`)
    if (thrown instanceof GuestFault && thrown.kind === 'memory')
      return new GuestFault('memory', thrown.message.replace('out of memory', `out of memory (limit ${this.#limits.memoryBytesMax} bytes)`))
    if (thrown instanceof RangeError && thrown.message.includes('call stack'))
      return new GuestFault('stack', 'Maximum call stack size exceeded', { cause: thrown })
    if (thrown instanceof WebAssembly.RuntimeError)
      return new GuestFault('trap', `the program crashed: ${thrown.message}`, { cause: thrown })
    return thrown
  }
}
