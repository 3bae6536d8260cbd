/**
 * The imports of a module, made from the host's functions: found by name, given the types that the module says, and refused when unknown.
 *
 * Invariants  A result of 64 bits is a BigInt, always. An `invoke_*` catches longjmps and nothing else. A fault of the host is remembered,
 *             so that the call ends with it even when the module catches it.
 */
import { type FunctionImport, I64, type WasmLayout } from '../wasm/layout.ts'
import type { Dialect } from './dialect.ts'
import { type HostFunction, type HostFunctions, unknownSyscall } from './host-functions.ts'

export type Word = number | bigint
export type GuestFunction = (...args: Word[]) => Word | undefined

/** What a longjmp looks like on its way through JavaScript. */
const LONG_JUMP = { name: 'longjmp' }
const INVOKE = /^invoke_[vijfd]+$/

/** What imports need of the instance that they are made for. */
export interface Linkage {
  /** By C's names. */
  readonly functions: HostFunctions
  /** What the module exports for setjmp; known once it is instantiated. */
  readonly setjmp: { stackSave(): Word; stackRestore(pointer: Word): void; setThrew(jumper: Word, value: Word): void }
  tableFunction(index: number): GuestFunction
  /** The module's own way to call a function of its table by signature, where what it costs is counted. */
  dynamicCall(signature: string): GuestFunction | undefined
  word(value: number): Word
  /** Before each call of the host. */
  tick(): void
  /** Throws it, or what came before it. */
  remember(thrown: unknown): void
}

export function linkImports(layout: WasmLayout, dialect: Dialect, linkage: Linkage): WebAssembly.Imports {
  const table = Object.create(null) as Record<string, Record<string, unknown>> // The names are the module's: one may be __proto__.
  const unknown: string[] = []
  for (const imported of layout.functionImports) {
    const body = importBody(dialect.importName(imported), imported, linkage)
    if (body === null) unknown.push(`${imported.module}.${imported.name}`)
    table[imported.module] ??= Object.create(null) as Record<string, unknown>
    table[imported.module]![imported.name] = body
  }
  if (unknown.length > 0) throw layout.refuse(`it imports ${unknown.join(', ')}, which this node does not have`)
  return table
}

/** Ends the current call of a module: `_emscripten_throw_longjmp` and its predecessors. */
export function throwLongJump(): never {
  throw LONG_JUMP
}

export function isLongJump(thrown: unknown): boolean {
  return thrown === LONG_JUMP
}

function importBody(name: string, imported: FunctionImport, linkage: Linkage): GuestFunction | null {
  if (name === '_emscripten_throw_longjmp') return throwLongJump
  if (INVOKE.test(name)) return invoker(imported, name.slice('invoke_'.length), linkage)
  const known = Object.hasOwn(linkage.functions, name) ? linkage.functions[name] : undefined
  const body = known ?? (name.startsWith('__syscall_') ? unknownSyscall : undefined)
  return body === undefined ? null : adapted(imported, body, linkage)
}

function adapted(imported: FunctionImport, body: HostFunction, linkage: Linkage): GuestFunction {
  const isWide = imported.results[0] === I64
  return (...args) => {
    try {
      linkage.tick()
      const result = body(...args.map(Number))
      return isWide ? BigInt(result ?? 0) : result
    } catch (thrown) {
      if (thrown !== LONG_JUMP) linkage.remember(thrown)
      throw thrown
    }
  }
}

/** Calls through the table; after a longjmp the module itself asks whether it was meant. */
function invoker(imported: FunctionImport, signature: string, linkage: Linkage): GuestFunction {
  const { setjmp } = linkage
  const nothing = imported.results.length === 0 ? undefined : imported.results[0] === I64 ? 0n : 0
  return (index, ...args) => {
    linkage.tick()
    const pointer = setjmp.stackSave()
    try {
      const call = linkage.dynamicCall(signature)
      return call === undefined ? linkage.tableFunction(Number(index))(...args) : call(Number(index), ...args)
    } catch (thrown) {
      setjmp.stackRestore(pointer)
      if (thrown !== LONG_JUMP) throw thrown
      setjmp.setThrew(linkage.word(1), 0)
      return nothing
    }
  }
}
