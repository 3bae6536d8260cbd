/**
 * What is known of a body: its SHA-256 and its parts. Each is found once, also where several signatures, or the reader and the writer, need it; whoever takes
 * a body off the wire finds both while it comes, so that nothing is left to do for it at its end.
 *
 * Invariants  A body never changes. Facts live as long as it does. Of a small body nothing is kept: finding it again costs as much as looking it up.
 */
import { createSha256, sha256 } from '../../base/hash.ts'
import { MultipartReader, type Part, readMultipart } from './multipart.ts'

interface BodyFacts {
  sha256: Uint8Array | null
  /** By boundary. */
  readonly parts: Map<string, readonly Part[]>
}

const SMALL_BYTES = 16 * 1024
const facts = new WeakMap<Uint8Array, BodyFacts>()

export function bodySha256(body: Uint8Array): Uint8Array {
  if (body.length <= SMALL_BYTES) return sha256(body)
  const known = factsOf(body)
  known.sha256 ??= sha256(body)
  return known.sha256
}

export function bodyParts(body: Uint8Array, boundary: string): readonly Part[] {
  if (body.length <= SMALL_BYTES) return readMultipart(body, boundary)
  const { parts } = factsOf(body)
  const found = parts.get(boundary) ?? readMultipart(body, boundary)
  parts.set(boundary, found)
  return found
}

/** Gathers what is to be known of a body of which the bytes are still coming. */
export class BodyWatch {
  readonly #running: ReturnType<typeof createSha256> | null
  readonly #boundary: string | null
  #reader: MultipartReader | null

  constructor({ isHashed, boundary }: { readonly isHashed: boolean; readonly boundary: string | null }) {
    this.#running = isHashed ? createSha256() : null
    this.#boundary = boundary
    this.#reader = boundary === null ? null : attempt(() => new MultipartReader(boundary))
  }

  /** The next bytes, where they will stay. */
  push(piece: Uint8Array): void {
    this.#running?.update(piece)
    const reader = this.#reader
    if (reader !== null && attempt(() => reader.push(piece) ?? true) === null) this.#reader = null
  }

  /** All of the body, once it is there. A body that cannot be read fails where it is asked for its parts. */
  end(body: Uint8Array): void {
    const reader = this.#reader
    const found = reader === null ? null : attempt(() => reader.end())
    const known = factsOf(body)
    if (this.#running !== null) known.sha256 = this.#running.digest()
    if (found !== null && this.#boundary !== null) known.parts.set(this.#boundary, found)
  }
}

function factsOf(body: Uint8Array): BodyFacts {
  const known = facts.get(body) ?? { sha256: null, parts: new Map() }
  facts.set(body, known)
  return known
}

function attempt<T>(act: () => T): T | null {
  try {
    return act()
  } catch {
    return null
  }
}
