/**
 * The environment that the two oldest kinds of aos modules find; later ones find none.
 *
 * Source      @permaweb/ao-loader 0.0.49, found by running it
 * Invariants  Nothing of the machine is in it. The last entry is the path of the unit's own program there, different on each; here it is what
 *             emscripten says when it knows none. Its length moves addresses in the guest, so it is part of what a module computes.
 */
import { utf8 } from '../../base/bytes.ts'
import type { HostFunctions } from './host-functions.ts'
import type { GuestMemory } from './memory.ts'

const USER = 'web_user'
const ENTRIES = [`USER=${USER}`, `LOGNAME=${USER}`, 'PATH=/', 'PWD=/', `HOME=/home/${USER}`, 'LANG=C.UTF-8', '_=./this.program']
const TEXT = utf8(ENTRIES.map((entry) => `${entry}\0`).join(''))

export function environmentFunctions(memory: GuestMemory): HostFunctions {
  return {
    environ_sizes_get: (count, size) => {
      memory.writeWord(count!, ENTRIES.length)
      memory.writeWord(size!, TEXT.length)
      return 0
    },
    environ_get: (pointers, target) => {
      let address = target!
      for (const [i, entry] of ENTRIES.entries()) {
        memory.writeWord(pointers! + i * memory.wordBytes, address)
        address += entry.length + 1
      }
      memory.slice(target!, TEXT.length).set(TEXT)
      return 0
    },
  }
}
