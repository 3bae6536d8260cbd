/** Programs with the interface of aos modules in a few bytes, for tests of what a host must bear: each answers, or misbehaves, in one way. */
import { toBase64url } from '../src/base/bytes.ts'
import { sha256 } from '../src/base/hash.ts'
import type { TxId } from '../src/base/ids.ts'
import type { GuestModule } from '../src/guests/guest.ts'
import { buildWasm, op, text, type WasmFunction, type WasmSpec } from './wasm-builder.ts'

export const WASM32 = 'wasm32-unknown-emscripten4'
export const WASM64 = 'wasm64-unknown-emscripten-draft_2024_02_15'

export type SmallFormat = typeof WASM32 | typeof WASM64

export interface SmallProgram {
  /** Body of `handle`: the message's address is local 0, the reply's address is its value. Imports come first in the index of functions. */
  readonly handle: readonly number[]
  readonly locals?: WasmFunction['locals']
  readonly imports?: WasmSpec['imports']
  readonly constructors?: readonly number[]
  /** More functions, after the five that every program has. */
  readonly functions?: readonly WasmFunction[]
  readonly data?: WasmSpec['data']
  readonly memory?: Partial<NonNullable<WasmSpec['memory']>>
  readonly start?: number
}

/** Where replies may lie. The stack goes down from its top, and nothing is above. */
export const REPLY_AT = 1024
const STACK_TOP = 65_536
/** A global for programs to count in. */
export const COUNT = 1
/** Of the first function in `functions`, when nothing is imported. */
export const FIRST_FUNCTION = 5

export function smallModule(format: SmallFormat, program: SmallProgram): GuestModule {
  return moduleOf(format, buildWasm(specOf(format, program)))
}

/** Named by its bytes, so that no two programs have the same id. */
export function moduleOf(format: string, bytes: Uint8Array): GuestModule {
  return { id: toBase64url(sha256(bytes)) as TxId, format, bytes }
}

/** A reply of a program, as it lies in its memory. */
export function replyAt(at: number, reply: unknown): { readonly at: number; readonly bytes: Uint8Array } {
  return { at, bytes: text(`${typeof reply === 'string' ? reply : JSON.stringify(reply)}\0`) }
}

/** An address, of the width that the format has. */
export function address(format: SmallFormat, value: number): number[] {
  return format === WASM64 ? op.i64(value) : op.i32(value)
}

export function specOf(format: SmallFormat, program: SmallProgram): WasmSpec {
  const { handle, locals = [], imports = [], constructors = [], functions = [], data = [], memory = {}, start } = program
  const is64 = format === WASM64
  const word = is64 ? 'i64' : 'i32'
  const subtract = is64 ? 0x7d : 0x6b
  const and = is64 ? 0x83 : 0x71
  return {
    imports,
    memory: { pages: 2, pagesMax: 16_384, is64, ...memory },
    globals: [
      { type: word, value: STACK_TOP, isMutable: true },
      { type: 'i32', value: 0, isMutable: true },
    ],
    functions: [
      { export: 'handle', params: [word, word], results: [word], locals, code: handle },
      { export: '__wasm_call_ctors', code: constructors },
      { export: 'emscripten_stack_get_current', results: [word], code: op.globalGet(0) },
      { export: '_emscripten_stack_restore', params: [word], code: [...op.get(0), ...op.globalSet(0)] },
      {
        export: '_emscripten_stack_alloc',
        params: [word],
        results: [word],
        code: [...op.globalGet(0), ...op.get(0), subtract, ...address(format, -16), and, ...op.globalSet(0), ...op.globalGet(0)],
      },
      ...functions,
    ],
    data,
    ...(start === undefined ? {} : { start }),
  }
}
