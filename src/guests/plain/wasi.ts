/**
 * The part of WASI that `wasi@1.0` of AO-Core gives to plain modules: printing, and reading what is not there.
 *
 * Wire        vectors are pairs of pointer and size, counts one number, each 8 bytes in 64 bit modules and 4 in others; results are errno
 * Source      permaweb/HyperBEAM src/dev_wasi.erl (64 bit only); numbers of errno from wasi_snapshot_preview1
 * Invariants  No clock and no randomness: `clock_time_get` answers 1 and stores nothing, as upstream, and functions that upstream does not
 *             have are missing here too, so that they are noted and answer 0. There are no files: upstream's are keys of a message.
 */
import type { PlainGuest, PlainImport, PlainImports } from './plain-imports.ts'

const ERRNO = { success: 0, badFile: 8, noEntry: 44 } as const
const STDIN = 0
const STDERR = 2
const VECTORS_MAX = 1024
const BYTES_PER_UNIT = 32

export const WASI_IMPORTS: PlainImports = {
  wasi_snapshot_preview1: {
    fd_write: (guest, descriptor, vectors, count, written) => {
      if (Number(descriptor) <= STDIN || Number(descriptor) > STDERR) return ERRNO.badFile
      let total = 0
      for (const { address, size } of readVectors(guest, Number(vectors), Number(count))) {
        guest.charge(Math.floor(size / BYTES_PER_UNIT) + 1)
        guest.print(guest.memory.slice(address, size))
        total += size
      }
      guest.memory.writeWord(Number(written), total)
      return ERRNO.success
    },
    fd_read: (guest, descriptor, _vectors, _count, read) => {
      if (Number(descriptor) !== STDIN) return ERRNO.badFile
      guest.memory.writeWord(Number(read), 0) // The end of an empty input.
      return ERRNO.success
    },
    path_open: () => ERRNO.noEntry,
    clock_time_get: () => 1,
  } satisfies Record<string, PlainImport>,
}

function* readVectors(
  { memory }: PlainGuest,
  address: number,
  count: number,
): Generator<{ readonly address: number; readonly size: number }> {
  for (let at = address; at < address + Math.min(count, VECTORS_MAX) * 2 * memory.wordBytes; at += 2 * memory.wordBytes)
    yield { address: memory.readWord(at), size: memory.readWord(at + memory.wordBytes) }
}
