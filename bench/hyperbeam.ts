/**
 * HyperBEAM's own figures, to compare with: its edge of 2025-11 on Erlang/OTP 27, two cores, measured in that program and with wrk against it.
 *
 * It cannot be built everywhere, so it does not run beside us. The machine that it ran on signed 176 times a second by `openssl speed rsa4096`;
 * figures are scaled by what the same command says here, in the same run as ours. Node.js has a newer OpenSSL, whose RSA can be twice as fast.
 */
import { execFileSync } from 'node:child_process'
import { median } from './load.ts'

const SIGNS_PER_SECOND_THERE = 176
const CALIBRATIONS = 3

export const HYPERBEAM = {
  resolveKey: 74_500,
  resolvePath: 34_900,
  setKeys: 6_900,
  parsePath: 4_300,
  unsignedId: 2_800,
  toHttpsig: 6_100,
  fromHttpsig: 7_300,
  toJson: 7_000,
  verifyHttpsig: 1_640,
  commitHttpsig: 60,
  verifyAns104: 1_300,
  commitAns104: 56,
  unsignedGet: 888,
  signedGet: 39,
  signedJsonGet: 67,
} as const

/** How much faster than HyperBEAM's machine this one is; null where there is no `openssl` to ask. */
export function speedOfMachine(): number | null {
  try {
    return median(Array.from({ length: CALIBRATIONS }, signsPerSecond)) / SIGNS_PER_SECOND_THERE
  } catch {
    return null
  }
}

function signsPerSecond(): number {
  const said = execFileSync('openssl', ['speed', '-seconds', '1', 'rsa4096'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return Number(/rsa 4096 bits\s+\S+s\s+\S+s\s+([\d.]+)/.exec(said)?.[1])
}

/** Calls in a second, of work that does not wait. */
export function perSecondOf(work: () => unknown, ms: number): number {
  for (let i = 0; i < 100; i++) work()
  const began = performance.now()
  let calls = 0
  let passed = 0
  do {
    for (let i = 0; i < 16; i++) work()
    calls += 16
    passed = performance.now() - began
  } while (passed < ms)
  return (calls / passed) * 1_000
}

/** The same of work that does wait, one after the other. */
export async function perSecondAwaited(work: () => Promise<unknown>, ms: number): Promise<number> {
  for (let i = 0; i < 100; i++) await work()
  const began = performance.now()
  let calls = 0
  let passed = 0
  do {
    for (let i = 0; i < 16; i++) await work()
    calls += 16
    passed = performance.now() - began
  } while (passed < ms)
  return (calls / passed) * 1_000
}
