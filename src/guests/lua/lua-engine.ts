/**
 * One running Lua interpreter: the metered binary under a host that offers nothing but memory.
 *
 * Invariants  No clock, randomness, network or process reaches the guest, and no file but those of the drive. Errors of Lua are `longjmp`s, which cross JavaScript as one
 *             sentinel; every other exception passes through all `invoke_*` frames, so that no `pcall` catches running out of gas.
 *             All state is in linear memory and the stack pointer. Memory ends at `memoryBytesMax`, whatever the machine has.
 */
import { toText } from '../../base/bytes.ts'
import { Drive } from '../aos/drive.ts'
import { GuestFault, type GuestFiles } from '../guest.ts'
import { noFiles } from '../host-files.ts'
import { GAS_EXPORT, meterModule, STACK_LOW_EXPORT, STACK_RED_ZONE_BYTES } from '../wasm/meter.ts'
import {
  LUA_CONSTANTS_END,
  LUA_EXPORTS,
  LUA_HEAP_END_ADDRESS,
  LUA_IMPORT_MODULE,
  LUA_IMPORTS,
  LUA_STACK_BYTES,
  LUA_STACK_POINTER,
  readLuaBinary,
} from './lua-binary.ts'

const PAGE_BYTES = 65_536
/** Gas until a call sets its own: covers start-up code. */
const GAS_AT_START = 1n << 60n
/** Growing memory takes microseconds each time, so it grows by more than was asked. */
const GROWTH_BYTES_MIN = 1024 * 1024
/** Constants, stack, and a heap for a small program. Kept small, since JavaScript's garbage collector runs the more the larger instances are. */
const MEMORY_BYTES_MIN = 3 * 1024 * 1024

type Pointer = number
interface LuaExports {
  readonly memory: WebAssembly.Memory
  readonly table: WebAssembly.Table
  readonly gas: WebAssembly.Global<'i64'>
  readonly stackPointer: WebAssembly.Global<'i32'>
  readonly stackLow: WebAssembly.Global<'i32'>
  callConstructors(): void
  setTop(state: Pointer, index: number): void
  copy(state: Pointer, from: number, to: number): void
  pushValue(state: Pointer, index: number): void
  toLString(state: Pointer, index: number, size: Pointer): Pointer
  pcallK(state: Pointer, args: number, results: number, handler: number, context: number, continuation: Pointer): number
  loadString(state: Pointer, text: Pointer): number
  newState(): Pointer
  openLibs(state: Pointer): void
  stackSave(): Pointer
  stackRestore(pointer: Pointer): void
  stackAlloc(size: number): Pointer
  setThrew(threw: Pointer, value: number): void
  malloc(size: number): Pointer
}

/** Where bytes go to or come from: a list of buffers, and the place for their number. */
interface Transfer {
  readonly vectors: Pointer
  readonly count: number
  readonly result: Pointer
}

/** What a longjmp looks like on its way through JavaScript. */
const LONG_JUMP = { name: 'longjmp' }
const ERRNO = { badFile: 8, noEntry: -44, notSupported: -52, invalid: 28, io: 29, seekPipe: 70 } as const
/** Bits of the flags of `open` that are not zero when a file is to be written. */
const OPEN_WRITES = 3
const OUTPUTS: ReadonlySet<number> = new Set([1, 2])

const METERING = {
  module: 'lua-5.3.6',
  memoryBytesMax: 2 ** 31,
  memoryBytesMin: MEMORY_BYTES_MIN,
  gas: GAS_AT_START,
  stackPointer: LUA_STACK_POINTER,
}
let compiled: WebAssembly.Module | undefined

/**
 * The metered interpreter, compiled once; a thread may be given what another one compiled.
 * The memory limit is the host's, in `resize_heap`, so that one binary serves all.
 */
export function luaModule(ready?: WebAssembly.Module): WebAssembly.Module {
  compiled ??= ready ?? new WebAssembly.Module(meterModule(readLuaBinary(), METERING).bytes)
  return compiled
}

export class LuaEngine {
  readonly exports: LuaExports
  /** Where the C stack begins, growing down, and the heap, growing up. */
  readonly stackTop = LUA_CONSTANTS_END + LUA_STACK_BYTES
  readonly #memoryBytesMax: number
  readonly #drive: Drive
  #bytes: Uint8Array
  #words: Uint32Array
  #tempRet0 = 0
  #wasDenied = false
  #functions: ((first: number, second: number) => void)[] = []

  constructor(memoryBytesMax: number, files: GuestFiles = noFiles) {
    this.#memoryBytesMax = memoryBytesMax
    this.#drive = new Drive(files)
    const instance = new WebAssembly.Instance(luaModule(), { [LUA_IMPORT_MODULE]: this.#imports() })
    this.exports = namedExports(instance.exports)
    this.#bytes = new Uint8Array(this.exports.memory.buffer)
    this.#words = new Uint32Array(this.exports.memory.buffer)
    this.#words[LUA_HEAP_END_ADDRESS >>> 2] = this.stackTop
    this.clearStack()
  }

  get heapEnd(): Pointer {
    return this.words[LUA_HEAP_END_ADDRESS >>> 2]!
  }

  /** The whole memory as it is now; growth makes older views useless. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#refreshViews()
    return this.#bytes
  }

  get words(): Uint32Array {
    if (this.#words.length === 0) this.#refreshViews()
    return this.#words
  }

  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength
  }

  /** False when the guest may not have that much. */
  growTo(size: number): boolean {
    if (size > this.#memoryBytesMax) {
      this.#wasDenied = true
      return false
    }
    const now = this.memoryBytes
    if (size <= now) return true
    const wanted = Math.min(Math.max(size, now + GROWTH_BYTES_MIN, Math.floor(now * 1.2)), this.#memoryBytesMax)
    try {
      this.exports.memory.grow(Math.floor((wanted - now + PAGE_BYTES - 1) / PAGE_BYTES))
    } catch (cause) {
      // The node, not the guest, is short of memory. Other nodes go on, so this must not become a result: no GuestFault.
      throw new Error(`this node has no ${wanted} bytes of memory for a process`, { cause })
    }
    this.#refreshViews()
    return true
  }

  /** Whether the guest wanted more memory than it may have since this was asked last. */
  takeDenial(): boolean {
    const wasDenied = this.#wasDenied
    this.#wasDenied = false
    return wasDenied
  }

  /** Before each message: what stayed open is closed. */
  closeFiles(): void {
    this.#drive.reset()
  }

  /** The C stack has grown over static variables: the state is spoilt. */
  get hasStackOverflow(): boolean {
    return this.exports.stackLow.value >>> 0 < LUA_CONSTANTS_END + STACK_RED_ZONE_BYTES
  }

  /** Ends a call into the interpreter: puts the stack pointer back and clears what the stack held, some of which C would carry on as padding. */
  clearStack(): void {
    const { stackPointer, stackLow } = this.exports
    stackPointer.value = this.stackTop
    const low = Math.min(stackLow.value >>> 0, this.stackTop) - STACK_RED_ZONE_BYTES
    this.bytes.fill(0, Math.max(low, LUA_CONSTANTS_END), this.stackTop)
    stackLow.value = this.stackTop
    this.#tempRet0 = 0
  }

  #refreshViews(): void {
    this.#bytes = new Uint8Array(this.exports.memory.buffer)
    this.#words = new Uint32Array(this.exports.memory.buffer)
  }

  /** Bulk work of the host counts like the guest's own: a unit per started 32 bytes. */
  #charge(size: number): void {
    const { gas } = this.exports
    gas.value -= BigInt((size >>> 5) + 1)
    if (gas.value < 0n) throw new GuestFault('gas', 'out of gas')
  }

  #invoke(index: number, first: number, second: number): void {
    const pointer = this.exports.stackSave()
    try {
      this.#function(index)(first, second)
    } catch (thrown) {
      this.exports.stackRestore(pointer)
      if (thrown !== LONG_JUMP) throw thrown
      this.exports.setThrew(1, 0)
    }
  }

  #function(index: number): (first: number, second: number) => void {
    let found = this.#functions[index]
    if (found === undefined) {
      found = this.exports.table.get(index) as (first: number, second: number) => void
      this.#functions[index] = found
    }
    return found
  }

  #imports(): Record<string, (...args: number[]) => unknown> {
    const zero = (): number => 0
    const answer = (value: number) => (): number => value
    const bodies: Record<(typeof LUA_IMPORTS)[keyof typeof LUA_IMPORTS], (...args: number[]) => unknown> = {
      invoke_vii: (index, first, second) => this.#invoke(index!, first!, second!),
      longjmp: (environment, value) => {
        this.exports.setThrew(environment!, value! || 1)
        throw LONG_JUMP
      },
      memcpy_big: (target, source, size) => {
        this.#charge(size! >>> 0)
        this.bytes.copyWithin(target! >>> 0, source! >>> 0, (source! >>> 0) + (size! >>> 0))
      },
      resize_heap: (size) => (this.growTo(size! >>> 0) ? 1 : 0),
      getTempRet0: () => this.#tempRet0,
      setTempRet0: (value) => {
        this.#tempRet0 = value!
      },
      environ_sizes_get: (count, size) => this.#storeZeros(count!, size!),
      // Lua seeds string hashing and the pivots of big sorts from these two, so they stand still.
      time: (pointer) => (pointer === 0 ? 0 : this.#storeZeros(pointer!)),
      clock: zero,
      clock_gettime: (_clock, pointer) => this.#storeZeros(pointer!, pointer! + 4),
      difftime: zero,
      mktime: zero,
      strftime: zero,
      localtime_r: zero,
      gmtime_r: zero,
      environ_get: zero,
      fd_close: (descriptor) => {
        this.#drive.close(descriptor!)
        return 0
      },
      fd_read: (descriptor, vectors, count, result) => this.#read(descriptor!, { vectors: vectors!, count: count!, result: result! }),
      fd_seek: (descriptor, low, high, whence, result) => this.#seek(descriptor!, high! * 2 ** 32 + (low! >>> 0), whence!, result!),
      fd_write: (descriptor, vectors, count, result) => this.#discard(descriptor!, { vectors: vectors!, count: count!, result: result! }),
      sys_open: (path, flags) => this.#open(path!, flags!),
      sys_unlink: answer(ERRNO.noEntry),
      sys_rename: answer(ERRNO.noEntry),
      sys_rmdir: answer(ERRNO.noEntry),
      sys_lstat64: answer(ERRNO.noEntry),
      sys_fcntl64: answer(ERRNO.notSupported),
      sys_dup2: answer(ERRNO.notSupported),
      sys_dup3: answer(ERRNO.notSupported),
      sys_ioctl: answer(ERRNO.notSupported),
      system: answer(ERRNO.notSupported),
      exit: () => {
        throw new GuestFault('trap', 'the program tried to end the interpreter')
      },
      abort: () => {
        throw new GuestFault('trap', 'the interpreter gave up')
      },
    }
    return Object.fromEntries(Object.entries(LUA_IMPORTS).map(([letter, name]) => [letter, bodies[name]]))
  }

  #open(pathAddress: Pointer, flags: number): number {
    const path = this.bytes.subarray(pathAddress, this.bytes.indexOf(0, pathAddress))
    if ((flags & OPEN_WRITES) !== 0 || !this.#drive.isDrivePath(path)) return ERRNO.noEntry
    return this.#drive.open(toText(path)) || ERRNO.noEntry
  }

  #read(descriptor: number, { vectors, count, result }: Transfer): number {
    let total = 0
    for (const { address, size } of this.#buffers(vectors, count)) {
      const bytes = this.#drive.read(descriptor, size)
      if (bytes === null) return ERRNO.io
      this.#charge(bytes.length)
      this.bytes.set(bytes, address)
      total += bytes.length
      if (bytes.length < size) break
    }
    this.words[result >>> 2] = total
    return 0
  }

  #seek(descriptor: number, offset: number, whence: number, result: Pointer): number {
    const position = this.#drive.seek(descriptor, offset, whence)
    if (position === null) return ERRNO.seekPipe
    if (Number.isNaN(position)) return ERRNO.invalid
    this.words[result >>> 2] = position
    this.words[(result >>> 2) + 1] = Math.floor(position / 2 ** 32)
    return 0
  }

  /** What goes to the standard outputs is seen by nobody. */
  #discard(descriptor: number, { vectors, count, result }: Transfer): number {
    if (!OUTPUTS.has(descriptor)) return ERRNO.badFile
    this.words[result >>> 2] = this.#buffers(vectors, count).reduce((sum, { size }) => sum + size, 0)
    return 0
  }

  #buffers(vectors: Pointer, count: number): { readonly address: Pointer; readonly size: number }[] {
    return Array.from({ length: count }, (_, index) => {
      const at = (vectors >>> 2) + 2 * index
      return { address: this.words[at]!, size: this.words[at + 1]! }
    })
  }

  #storeZeros(...pointers: number[]): number {
    for (const pointer of pointers) this.words[pointer >>> 2] = 0
    return 0
  }
}

function namedExports(raw: WebAssembly.Exports): LuaExports {
  const named: Record<string, unknown> = { gas: raw[GAS_EXPORT], stackPointer: raw['heddle.global.0'], stackLow: raw[STACK_LOW_EXPORT] }
  for (const [name, letter] of Object.entries(LUA_EXPORTS)) named[name] = raw[letter]
  return named as unknown as LuaExports
}
