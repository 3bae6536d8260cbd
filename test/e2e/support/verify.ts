/** Computes every process of a node again, with the command line in a process of its own. For the end of suites that make processes. */
import { expect } from 'vitest'
import { heddleJson } from './command.ts'

export interface Verified {
  readonly ok: boolean
  readonly processes: number
  readonly slots: number
  readonly snapshots: number
  readonly mismatches: readonly { readonly process: string; readonly slot: number; readonly what: string }[]
  readonly notComparable: readonly { readonly process: string; readonly slot: number; readonly what: string }[]
}

/** Fails unless all of it is as computed. */
export async function verifyAllProcesses(url: string): Promise<Verified> {
  const { code, value } = await heddleJson<Verified>(['verify', '--all'], { url })
  expect(value).toMatchObject({ ok: true, mismatches: [] })
  expect(code).toBe(0)
  return value
}
