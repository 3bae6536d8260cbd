import { describe, expect, it } from 'vitest'
import type { GuestEnv, GuestLimits } from './guest.ts'
import { limitsOf } from './limits-of.ts'

const NODE: GuestLimits = { memoryBytesMax: 512 * 1024 * 1024, gasMax: 1_000_000_000, resultBytesMax: 1024 }

function env(process: Readonly<Record<string, string>>, module: Readonly<Record<string, string>> = {}): GuestEnv {
  const part = (tags: Readonly<Record<string, string>>) => ({
    Id: 'i',
    Owner: 'o',
    Tags: Object.entries(tags).map(([name, value]) => ({ name, value })),
  })
  return { Process: part(process), Module: part(module) }
}

describe('limits of a process', () => {
  it('are those of the node where it says nothing', () => {
    expect(limitsOf(env({}), NODE)).toEqual(NODE)
  })

  it.each([
    ['100-mb', 100 * 1024 * 1024],
    ['20.5mb', 20.5 * 1024 * 1024],
    ['64KB', 16 * 1024 * 1024],
    ['32768KB', 32 * 1024 * 1024],
    ['70000000', 70_000_000],
    ['1-gb', NODE.memoryBytesMax],
    ['lots', NODE.memoryBytesMax],
    ['-50000000', 50_000_000],
    ['0', NODE.memoryBytesMax],
    ['', NODE.memoryBytesMax],
    ['9'.repeat(400), NODE.memoryBytesMax],
  ])('Memory-Limit %s', (text, bytes) => {
    expect(limitsOf(env({ 'Memory-Limit': text }), NODE).memoryBytesMax).toBe(bytes)
  })

  it.each([
    ['9000000000000', NODE.gasMax, 9_000_000_000_000],
    ['5000001', 5001, 5_000_001],
    ['1', 1, 1],
    ['0', NODE.gasMax, undefined],
    ['many', NODE.gasMax, undefined],
    ['99999999999999999', NODE.gasMax, undefined],
  ])('Compute-Limit %s', (text, gas, legacy) => {
    const limits = limitsOf(env({}, { 'Compute-Limit': text }), NODE)
    expect([limits.gasMax, limits.legacyGasMax]).toEqual([gas, legacy])
  })

  it('of the process come before those of its module', () => {
    expect(limitsOf(env({ 'Memory-Limit': '20-mb' }, { 'Memory-Limit': '30-mb' }), NODE).memoryBytesMax).toBe(20 * 1024 * 1024)
  })
})
