import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AOS_32, AOS_64, AOS_MODULES, LARGE } from '../../test/aos/modules.ts'
import { utf8 } from '../base/bytes.ts'
import type { TxId } from '../base/ids.ts'
import { bootModule, detectFormat, isWasm } from './detect-format.ts'

let made = 0
const id = (): TxId => `${made++}`.padStart(42, 'd').concat('A') as TxId

describe('the format of a module', () => {
  it.each(AOS_MODULES.map((module) => [module.name, module] as const))('%s is told from its bytes', (_name, { path, format }) => {
    expect(detectFormat({ id: id(), bytes: readFileSync(path) })).toBe(format)
  })

  it('that does not run is refused with the reason', () => {
    expect(() => detectFormat({ id: id(), bytes: readFileSync(LARGE.path) })).toThrow(/no guest can run it.*its memory starts with/)
    const bytes = readFileSync(AOS_64.path)
    for (const cut of [8, 100, bytes.length - 1])
      expect(() => detectFormat({ id: id(), bytes: bytes.subarray(0, cut) }), `${cut} bytes`).toThrow(
        expect.objectContaining({ code: 'module-unsupported' }),
      )
  })
})

it('a module boots as its own format only', () => {
  const bytes = readFileSync(AOS_32.path)
  expect(() => bootModule({ id: id(), bytes, format: AOS_32.format })).not.toThrow()
  for (const format of ['heddle-lua-1', 'heddle-js-1', 'wasm32-unknown-emscripten', 'nothing'])
    expect(() => bootModule({ id: id(), bytes, format }), format).toThrow(expect.objectContaining({ code: 'module-unsupported' }))
})

it('WebAssembly begins with its magic', () => {
  expect([isWasm(readFileSync(AOS_32.path)), isWasm(utf8('\0as')), isWasm(utf8('return 1'))]).toEqual([true, false, false])
})
