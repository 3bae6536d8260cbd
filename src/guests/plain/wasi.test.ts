import { describe, expect, it } from 'vitest'
import { buildWasm, op, text, type WasmType } from '../../../test/wasm-builder.ts'
import { toText } from '../../base/bytes.ts'
import type { TxId } from '../../base/ids.ts'
import { PlainInstance } from './plain-instance.ts'
import { admitPlainModule } from './plain-module.ts'
import { WASI_IMPORTS } from './wasi.ts'

const limits = { gasMax: 100_000, memoryBytesMax: 2 ** 20 }
const WORDS = 'Hello, World!\nHowdy!\n'
const VECTORS_AT = 256
const COUNT_AT = 512
const MODULE = 'wasi_snapshot_preview1'

/** `write(descriptor)` writes two vectors, `read(descriptor)` reads into one, `now()` asks for the time; each gives the errno. */
function load(is64: boolean): PlainInstance {
  const pointer: WasmType = is64 ? 'i64' : 'i32'
  const address = is64 ? op.i64 : op.i32
  const wordBytes = is64 ? 8 : 4
  const vectors = new DataView(new ArrayBuffer(4 * wordBytes))
  for (const [i, value] of [16, 14, 16 + 14, WORDS.length - 14].entries()) vectors.setUint32(i * wordBytes, value, true)
  const bytes = buildWasm({
    memory: { pages: 1, is64 },
    imports: [
      { module: MODULE, name: 'fd_write', params: ['i32', pointer, pointer, pointer], results: ['i32'] },
      { module: MODULE, name: 'fd_read', params: ['i32', pointer, pointer, pointer], results: ['i32'] },
      { module: MODULE, name: 'clock_time_get', params: ['i32', 'i64', pointer], results: ['i32'] },
      { module: MODULE, name: 'path_open', params: ['i32', 'i32', pointer], results: ['i32'] },
      { module: MODULE, name: 'random_get', params: [pointer, pointer], results: ['i32'] },
    ],
    functions: [
      ...['write', 'read'].map((name, index) => ({
        export: name,
        params: ['i32'] as const,
        results: ['i32'] as const,
        code: [...op.get(0), ...address(VECTORS_AT), ...address(2), ...address(COUNT_AT), ...op.call(index)],
      })),
      { export: 'now', results: ['i32'], code: [...op.i32(0), ...op.i64(0), ...address(COUNT_AT), ...op.call(2)] },
      { export: 'open', results: ['i32'], code: [...op.i32(3), ...op.i32(0), ...address(16), ...op.call(3)] },
      { export: 'random', results: ['i32'], code: [...address(COUNT_AT), ...address(8), ...op.call(4)] },
      { export: 'wild', results: ['i32'], code: [...op.i32(1), ...address(65_530), ...address(2), ...address(COUNT_AT), ...op.call(0)] },
    ],
    data: [
      { at: 16, bytes: text(WORDS) },
      { at: VECTORS_AT, bytes: new Uint8Array(vectors.buffer) },
      { at: COUNT_AT, bytes: new Uint8Array(8).fill(0x55) },
    ],
  })
  return new PlainInstance(admitPlainModule({ id: 'w'.repeat(43) as TxId, bytes }, limits), limits, WASI_IMPORTS)
}

describe.each([64, 32])('with addresses of %i bits', (width) => {
  const fresh = (): PlainInstance => load(width === 64)
  const count = (instance: PlainInstance): number => instance.memory.readWord(COUNT_AT)

  it('prints, and counts what it printed', () => {
    const instance = fresh()
    expect(instance.call('write', [1])).toEqual([0])
    expect(instance.call('write', [2])).toEqual([0])
    expect(toText(instance.printed)).toBe(WORDS + WORDS)
    expect(count(instance)).toBe(WORDS.length)
    instance.begin()
    expect(instance.printed).toHaveLength(0)
  })

  it('reads nothing', () => {
    const instance = fresh()
    expect(instance.call('read', [0])).toEqual([0])
    expect(count(instance)).toBe(0)
  })

  it('knows no other files', () => {
    const instance = fresh()
    expect([instance.call('write', [3]), instance.call('write', [0]), instance.call('read', [1])]).toEqual([[8], [8], [8]])
    expect(instance.call('open', [])).toEqual([44])
  })

  it('has no clock and no randomness', () => {
    const instance = fresh()
    expect([instance.call('now', []), instance.call('random', [])]).toEqual([[1], [0]])
    expect([...instance.memory.slice(COUNT_AT, 8)]).toEqual(new Array(8).fill(0x55))
    expect(instance.undefinedCalls).toMatchObject([{ module: MODULE, function: 'random_get' }])
  })

  it('ends at bad vectors', () => expect(() => fresh().call('wild', [])).toThrow(/not in its memory/))
})
