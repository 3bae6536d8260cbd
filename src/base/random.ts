import { randomFillSync } from 'node:crypto'

/** Randomness as an argument, so that a seed replays a run. */
export interface Random {
  bytes(size: number): Uint8Array
}

export const systemRandom: Random = { bytes: (size) => randomFillSync(new Uint8Array(size)) }
