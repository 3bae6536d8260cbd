/**
 * What a C program compiled to WebAssembly asks of its host, by name: memory, dates, and files that are not there. Nothing reaches the machine.
 *
 * Wire        arguments and results are numbers here whatever their type in the module; the engine converts 64 bit ones. Where a 32 bit
 *             module passes a 64 bit number as two, the count of arguments tells.
 * Source      emscripten 2 to 4 and wasi_snapshot_preview1; values as AO units give them, found by running their loader
 * Invariants  The clock stands still, there is no environment, no randomness, no program to start. Results are errno values: negative for
 *             system calls, positive for wasi. Work that grows with an argument is charged before it is done.
 */
import { toText } from '../../base/bytes.ts'
import { GuestFault } from '../guest.ts'
import { formatMoment, readMoment, storeMoment } from './calendar.ts'
import type { Drive } from './drive.ts'
import type { GuestMemory } from './memory.ts'

/** Missing is 0. */
export type HostFunction = (...args: number[]) => number | undefined
export type HostFunctions = Readonly<Record<string, HostFunction>>

/** The part of a running program that its host functions use. */
export interface HostContext {
  readonly memory: GuestMemory
  readonly drive: Drive
  /** Units of gas; throws when they are not there. */
  charge(units: number): void
  /** For work that grows with a size. */
  chargeBytes(size: number): void
  /** False when the program may not have that much. */
  growTo(sizeBytes: number): boolean
  /** The second half of a 64 bit result. */
  setTempRet0(value: number): void
  getTempRet0(): number
}

const CLOCK_MS = 10_000
const ERRNO = { badFile: 8, invalid: 28, io: 29, noEntry: 44, notSupported: 52, notTerminal: 59, seekPipe: 70 } as const
const PATH_BYTES_MAX = 4096
const FORMAT_BYTES_MAX = 64 * 1024
const FILE_TYPE_TERMINAL = 2
const TWO_32 = 2 ** 32
/** Asking the node for a file takes about as long as this much computing. */
const FILE_UNITS = 10_000
const UNITS_PER_FORMAT_BYTE = 64
const IO_VECTORS_MAX = 1024
const STANDARD_INPUT = 0

const zero: HostFunction = () => 0
const fails = (errno: number): HostFunction => {
  return () => errno
}

/** The program ends itself, as standalone ones do after their start; in a message it is a crash. */
export class ProgramExit extends GuestFault {
  readonly status: number

  constructor(status: number) {
    super('trap', `the program tried to end itself, with status ${status}`)
    this.status = status
  }
}

const exits: HostFunction = (status) => {
  throw new ProgramExit(status ?? 0)
}

function ends(text: string): HostFunction {
  return () => {
    throw new GuestFault('trap', text)
  }
}

/** Also every `__syscall_` that is not in the table: not supported. */
export function hostFunctions(context: HostContext): HostFunctions {
  return { ...runtimeFunctions(context), ...dateFunctions(context), ...fileFunctions(context), ...driveFunctions(context) }
}

export const unknownSyscall: HostFunction = fails(-ERRNO.notSupported)

function runtimeFunctions({ memory, chargeBytes, growTo, setTempRet0, getTempRet0 }: HostContext): HostFunctions {
  const copy: HostFunction = (target, source, size) => {
    chargeBytes(Math.min(size! >= 0 ? size! : Number.POSITIVE_INFINITY, memory.sizeBytes))
    memory.copy(target!, source!, size!)
    return target!
  }
  const storeZeroWords: HostFunction = (...addresses) => {
    for (const address of addresses) memory.writeWord(address, 0)
    return 0
  }
  return {
    _emscripten_memcpy_js: copy,
    emscripten_memcpy_big: copy,
    emscripten_resize_heap: (size) => (growTo(memory.is64 ? size! : size! >>> 0) ? 1 : 0),
    emscripten_get_heap_max: () => (memory.is64 ? 2 ** 34 : TWO_32 - 65_536),
    setTempRet0: (value) => void setTempRet0(value!),
    getTempRet0,
    environ_sizes_get: storeZeroWords,
    environ_get: zero,
    args_sizes_get: storeZeroWords,
    args_get: zero,
    emscripten_notify_memory_growth: zero,
    emscripten_err: zero,
    sched_yield: zero,
    _munmap_js: zero,
    exit: exits,
    proc_exit: exits,
    _abort_js: ends('the program aborted'),
    abort: ends('the program aborted'),
    __assert_fail: ends('the program aborted: an assertion failed'),
    __cxa_throw: ends('the program threw a C++ exception'),
    _emscripten_system: (command) => (command === 0 ? 0 : -ERRNO.notSupported),
  }
}

function dateFunctions({ memory, charge, setTempRet0 }: HostContext): HostFunctions {
  const wide = (low: number, high: number): number => high * TWO_32 + (low >>> 0)
  const store =
    (hasZone: boolean): HostFunction =>
    (...args) => {
      const seconds = args.length === 3 ? wide(args[0]!, args[1]!) : args[0]!
      return void storeMoment(memory, args.at(-1)!, seconds, hasZone)
    }
  const format: HostFunction = (target, room, pattern, moment) => {
    const text = memory.findCString(pattern!, FORMAT_BYTES_MAX)
    if (text === null) return 0
    charge(text.length * UNITS_PER_FORMAT_BYTE)
    return formatMoment(memory, target!, room!, toText(text), moment!)
  }
  const nanoseconds: HostFunction = (...args) => {
    memory.writeI64(args.at(-1)!, CLOCK_MS * 1e6)
    return 0
  }
  return {
    emscripten_date_now: () => CLOCK_MS,
    emscripten_get_now: () => CLOCK_MS,
    _emscripten_get_now_is_monotonic: () => 1,
    clock_time_get: nanoseconds,
    clock_res_get: nanoseconds,
    _gmtime_js: store(false),
    _localtime_js: store(true),
    _mktime_js: (moment) => {
      const seconds = readMoment(memory, moment!)
      setTempRet0(Math.floor(seconds / TWO_32) | 0)
      return memory.is64 ? seconds : seconds >>> 0
    },
    _tzset_js: (offset, isDst, standardName, summerName) => {
      memory.writeWord(offset!, 0)
      memory.writeI32(isDst!, 0)
      for (const name of [standardName, summerName]) if (name !== undefined) memory.slice(name, 4).set([0x55, 0x54, 0x43, 0])
      return 0
    },
    strftime: format,
    strftime_l: format,
  }
}

/** There are no files but those of the drive, and standard input and output lead nowhere. */
function fileFunctions(context: HostContext): HostFunctions {
  const { memory, drive, charge } = context
  const stepBytes = memory.wordBytes * 2
  return {
    fd_write: (_descriptor, vectors, count, written) => {
      let size = 0
      charge(Math.min(count!, IO_VECTORS_MAX))
      for (let i = 0; i < Math.min(count!, IO_VECTORS_MAX); i++) size += memory.readWord(vectors! + i * stepBytes + memory.wordBytes)
      memory.writeWord(written!, size)
      return 0
    },
    fd_read: (descriptor, vectors, count, read) => {
      let total = 0
      for (let i = 0; i < Math.min(count!, IO_VECTORS_MAX); i++) {
        const size = memory.readWord(vectors! + i * stepBytes + memory.wordBytes)
        const bytes = readDrive(context, descriptor!, memory.readWord(vectors! + i * stepBytes), size)
        if (bytes === null && descriptor !== STANDARD_INPUT) return ERRNO.io
        if (bytes === null) break // Its end, as where nothing is typed in.
        total += bytes
        if (bytes < size) break
      }
      memory.writeWord(read!, total)
      return 0
    },
    fd_seek: (...args) => {
      const isPair = args.length === 5
      const offset = isPair ? (args[2]! | 0) * TWO_32 + (args[1]! >>> 0) : args[1]!
      const position = drive.seek(args[0]!, offset, args.at(-2)!)
      if (position === null) return ERRNO.seekPipe
      if (Number.isNaN(position)) return ERRNO.invalid
      memory.writeI64(args.at(-1)!, position)
      return 0
    },
    fd_close: (descriptor) => {
      drive.close(descriptor!)
      return 0
    },
    fd_sync: zero,
    fd_fdstat_get: (_descriptor, target) => {
      const status = memory.slice(target!, 24)
      status.fill(0)
      status[0] = FILE_TYPE_TERMINAL
      return 0
    },
    fd_prestat_get: fails(ERRNO.badFile),
    fd_prestat_dir_name: fails(ERRNO.badFile),
    path_open: fails(ERRNO.noEntry),
    __syscall_openat: fails(-ERRNO.noEntry),
    __syscall_unlinkat: fails(-ERRNO.noEntry),
    __syscall_renameat: fails(-ERRNO.noEntry),
    __syscall_readlinkat: fails(-ERRNO.noEntry),
    __syscall_rmdir: fails(-ERRNO.noEntry),
    __syscall_stat64: fails(-ERRNO.noEntry),
    __syscall_lstat64: fails(-ERRNO.noEntry),
    __syscall_newfstatat: fails(-ERRNO.noEntry),
    __syscall_faccessat: fails(-ERRNO.noEntry),
    __syscall_fcntl64: zero,
    __syscall_ioctl: fails(-ERRNO.notTerminal),
  }
}

/** Asyncify, with which these are built, is not needed: the thread waits for the file. */
function driveFunctions(context: HostContext): HostFunctions {
  const { memory, drive, charge } = context
  return {
    __asyncjs__weavedrive_open: (name) => {
      const path = memory.findCString(name!, PATH_BYTES_MAX)
      if (path === null || !drive.isDrivePath(path)) return 0
      charge(FILE_UNITS)
      return drive.open(toText(path))
    },
    __asyncjs__weavedrive_read: (descriptor, target, size) => readDrive(context, descriptor!, target!, size!) ?? 0,
    __asyncjs__weavedrive_close: (descriptor) => {
      drive.close(descriptor!)
      return 0
    },
  }
}

/** The count of bytes, null when nothing is open under that number. */
function readDrive(context: HostContext, descriptor: number, target: number, size: number): number | null {
  const { memory, drive, charge, chargeBytes } = context
  charge(FILE_UNITS)
  chargeBytes(size)
  memory.slice(target, size)
  const bytes = drive.read(descriptor, size)
  if (bytes === null) return null
  memory.slice(target, bytes.length).set(bytes)
  return bytes.length
}
