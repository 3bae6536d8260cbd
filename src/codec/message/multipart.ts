/**
 * Multipart bodies: a strict reader that takes the bytes in pieces of any size, and a writer.
 *
 * Wire        `--B` CRLF part CRLF `--B` CRLF part … CRLF `--B--`; a part is header lines `name: value` and, after an empty line, its body.
 *             AO-Core's parts often have header lines alone, without the empty line.
 * Source      RFC 2046, RFC 7578; permaweb/HyperBEAM src/dev_codec_httpsig_conv.erl (2025-11), which takes neither a preamble nor LF
 * Invariants  Linear in the bytes, however they are cut. A body that ends before its last boundary fails. Bare LF ends lines only where the first boundary
 *             line ends in it: everywhere else it belongs to the value. Bodies of parts are views of the pieces as long as one piece holds them, or several that
 *             lie behind each other in memory.
 */
import { clip, concat, EMPTY, toAsciiText, toBase64url, toLatin1, toTextStrict, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { createSha256, sha256Text } from '../../base/hash.ts'
import { AO_CORE_BODY_BYTES_MAX, AO_CORE_KEYS_MAX, MULTIPART_BOUNDARY_BYTES_MAX, MULTIPART_PARTS_MAX } from '../../base/limits.ts'
import { tooLarge } from './too-large.ts'
import { type Binary, binaryBytes, toBinary } from './value.ts'

export interface Part {
  readonly lines: readonly (readonly [name: string, value: Binary])[]
  /** Null without the empty line that starts it. */
  readonly body: Uint8Array | null
}

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const DASH = 45
const BOUNDARY = /^[!-~]([ -~]*[!-~])?$/
const CRLF = '\r\n'
/** Blanks that may stand between a boundary and the end of its line. */
const PADDING_MAX = 16
/** Smaller pieces are gathered. */
const SMALL_PIECE = 1024
/** Larger ones are never copied to be with others. */
const MERGED_BYTES_MAX = 64 * 1024
/** A body in one piece of no more than this is read as text, if it is ASCII: that is faster line by line. */
const TEXT_BYTES_MAX = 16 * 1024

type State = 'preamble' | 'lines' | 'body' | 'epilogue'
type Match = { readonly end: number; readonly isLast: boolean; readonly isLf: boolean } | 'none' | 'more'

/** All parts of a body that is in memory. */
export function readMultipart(body: Uint8Array, boundary: string): Part[] {
  const reader = new MultipartReader(boundary)
  reader.push(body)
  return reader.end()
}

export class MultipartReader {
  readonly #delimiter: Uint8Array
  readonly #bytesMax: number
  readonly #parts: Part[] = []
  #lines: [string, Binary][] = []
  #pieces: Uint8Array[] = []
  #state: State = 'preamble'
  #isLf = false
  /** What has come and is not consumed: `#at` up to `#filled`. `#scanned` is how far lines were searched for their ends. */
  #buffer: Uint8Array = EMPTY
  /** The same as text, where it is short and ASCII. */
  #text: string | null = null
  #isOwn = false
  #filled = 0
  #at = 0
  #scanned = 0
  #isLineStart = true
  #received = 0

  constructor(boundary: string, bytesMax = AO_CORE_BODY_BYTES_MAX) {
    if (boundary.length > MULTIPART_BOUNDARY_BYTES_MAX || !BOUNDARY.test(boundary)) throw boundaryInvalid(boundary)
    this.#delimiter = utf8(`--${boundary}`)
    this.#bytesMax = bytesMax
  }

  /** The piece must not change afterwards. */
  push(piece: Uint8Array): void {
    this.#received += piece.length
    if (this.#received > this.#bytesMax) throw tooLarge('multipart body', this.#received, this.#bytesMax)
    if (this.#state === 'epilogue') return
    this.#append(piece)
    this.#run(false)
  }

  /** Says that all bytes have come. */
  end(): Part[] {
    this.#run(true)
    if (this.#state !== 'epilogue') throw this.#invalid('the body ends before its last boundary; send it whole')
    return this.#parts
  }

  #append(piece: Uint8Array): void {
    const size = this.#filled - this.#at
    if (liesBehind(this.#buffer, this.#filled, piece)) {
      this.#text = null
      this.#buffer = new Uint8Array(piece.buffer, this.#buffer.byteOffset, this.#filled + piece.length)
      this.#filled = this.#buffer.length
      return
    }
    const hasRoom = this.#isOwn && this.#filled + piece.length <= this.#buffer.length
    if (!hasRoom && size === 0 && (piece.length > SMALL_PIECE || this.#received === piece.length)) {
      this.#hold(piece, false, piece.length)
      return
    }
    if (!hasRoom) this.#grow(size, piece.length)
    this.#buffer.set(piece, this.#filled)
    this.#filled += piece.length
  }

  /** Consumed bytes are never overwritten, since bodies of parts may be views of them. */
  #grow(size: number, more: number): void {
    const scanned = Math.max(this.#scanned - this.#at, 0)
    const grown = new Uint8Array(Math.max(2 * (size + more), 16 * SMALL_PIECE))
    grown.set(this.#buffer.subarray(this.#at, this.#filled))
    this.#hold(grown, true, size)
    this.#scanned = scanned
  }

  #hold(buffer: Uint8Array, isOwn: boolean, filled: number): void {
    this.#buffer = buffer
    this.#text = isOwn || filled > TEXT_BYTES_MAX ? null : toAsciiText(buffer)
    this.#isOwn = isOwn
    this.#filled = filled
    this.#at = 0
    this.#scanned = 0
  }

  #run(isEnd: boolean): void {
    while (this.#state !== 'epilogue' && (this.#state === 'lines' ? this.#readLine(isEnd) : this.#readBody(isEnd)));
  }

  /** One header line, or the boundary in its place; false when more bytes are needed. */
  #readLine(isEnd: boolean): boolean {
    const match = this.#matchDelimiter(this.#at, isEnd)
    if (match === 'more') return false
    if (match !== 'none') return this.#endPart(match, false)
    const lf = this.#lineEnd()
    if (lf < 0) return false
    const end = lf > this.#at && this.#buffer[lf - 1] === CR ? lf - 1 : lf
    if (end === this.#at) this.#state = 'body'
    else this.#addLine(this.#at, end)
    this.#moveTo(lf + 1)
    this.#isLineStart = true
    return true
  }

  /** Of the LF that ends the line at hand; -1 when it has not come. */
  #lineEnd(): number {
    for (;;) {
      const lf = this.#findLf()
      if (lf < 0 || this.#isLf || (lf > this.#at && this.#buffer[lf - 1] === CR)) return lf
      this.#scanned = lf + 1
    }
  }

  #addLine(from: number, end: number): void {
    if (this.#lines.length === AO_CORE_KEYS_MAX) throw tooLarge('header lines of one part', this.#lines.length + 1, AO_CORE_KEYS_MAX)
    const parsed = this.#text === null ? parseLine(this.#buffer.subarray(from, end)) : parseText(this.#text.slice(from, end))
    if (parsed !== null) this.#lines.push(parsed)
    else
      throw this.#invalid(`"${clip(toLatin1(this.#buffer.subarray(from, Math.min(end, from + 80))))}" is not a header line \`name: value\``)
  }

  /** Up to the next boundary; false when more bytes are needed. Of the preamble nothing is kept. */
  #readBody(isEnd: boolean): boolean {
    if (this.#isLineStart) {
      const match = this.#matchDelimiter(this.#at, isEnd)
      if (match === 'more') return false
      if (match !== 'none') return this.#endPart(match, true)
      this.#isLineStart = false
    }
    for (;;) {
      const lf = this.#findLf()
      if (lf < 0) return this.#takeAll(isEnd)
      const hasCr = lf > this.#at && this.#buffer[lf - 1] === CR
      const match = hasCr || this.#isLf || this.#state === 'preamble' ? this.#matchDelimiter(lf + 1, isEnd) : 'none'
      const end = hasCr ? lf - 1 : lf
      if (match === 'more') return this.#take(end, lf)
      if (match !== 'none') {
        this.#take(end, lf)
        return this.#endPart(match, true)
      }
      this.#scanned = lf + 1
    }
  }

  /** No end of a line is here: all but a CR at the end belongs to the body. */
  #takeAll(isEnd: boolean): false {
    const end = !isEnd && this.#filled > this.#at && this.#buffer[this.#filled - 1] === CR ? this.#filled - 1 : this.#filled
    return this.#take(end, this.#filled)
  }

  #take(end: number, scanned: number): false {
    if (this.#state === 'body' && end > this.#at) this.#addPiece(this.#at, end)
    this.#at = end
    this.#scanned = scanned
    return false
  }

  #addPiece(from: number, end: number): void {
    const last = this.#pieces.at(-1)
    const start = this.#buffer.byteOffset + from
    const isNext = last?.buffer === this.#buffer.buffer && last.byteOffset + last.length === start
    if (!isNext) this.#pieces.push(this.#buffer.subarray(from, end))
    else this.#pieces[this.#pieces.length - 1] = this.#buffer.subarray(from - last.length, end)
  }

  #endPart(match: Exclude<Match, string>, hasBody: boolean): true {
    if (this.#state === 'preamble') this.#isLf = match.isLf
    else this.#addPart(hasBody)
    this.#moveTo(match.end)
    this.#state = match.isLast ? 'epilogue' : 'lines'
    return true
  }

  #addPart(hasBody: boolean): void {
    if (this.#parts.length === MULTIPART_PARTS_MAX) throw tooLarge('parts of a body', this.#parts.length + 1, MULTIPART_PARTS_MAX)
    const [first = EMPTY] = this.#pieces
    const body = this.#pieces.length > 1 ? concat(this.#pieces) : first
    this.#parts.push({ lines: this.#lines, body: hasBody ? body : null })
    this.#lines = []
    this.#pieces = []
  }

  /** Whether a boundary line starts at `from`. */
  #matchDelimiter(from: number, isEnd: boolean): Match {
    const missing = isEnd ? 'none' : 'more'
    const available = Math.min(this.#filled - from, this.#delimiter.length)
    for (let i = 0; i < available; i++) if (this.#buffer[from + i] !== this.#delimiter[i]) return 'none'
    if (available < this.#delimiter.length) return missing
    let end = from + available
    const isLast = this.#buffer[end] === DASH && end < this.#filled
    if (isLast) {
      if (end + 1 >= this.#filled) return missing
      if (this.#buffer[end + 1] !== DASH) return 'none'
      end += 2
      if (end === this.#filled) return isEnd ? { end, isLast, isLf: false } : 'more'
      return isBlank(this.#buffer[end]) ? { end, isLast, isLf: false } : 'none'
    }
    const paddingEnd = end + PADDING_MAX
    while (end < this.#filled && end < paddingEnd && (this.#buffer[end] === SPACE || this.#buffer[end] === TAB)) end++
    if (end === this.#filled) return missing
    if (this.#buffer[end] === LF) return { end: end + 1, isLast, isLf: true }
    if (this.#buffer[end] !== CR) return 'none'
    if (end + 1 === this.#filled) return missing
    return this.#buffer[end + 1] === LF ? { end: end + 2, isLast, isLf: false } : 'none'
  }

  #findLf(): number {
    const filled = this.#filled === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#filled)
    const lf = filled.indexOf(LF, Math.max(this.#scanned, this.#at))
    this.#scanned = lf < 0 ? this.#filled : lf
    return lf
  }

  #moveTo(at: number): void {
    this.#at = at
    this.#scanned = at
  }

  #invalid(problem: string): HeddleError<'encoding-invalid'> {
    return multipartInvalid(this.#received - (this.#filled - this.#at), problem)
  }
}

/** Does the piece lie right behind what is there, in the same memory? Then nothing has to be copied. */
function liesBehind(buffer: Uint8Array, filled: number, piece: Uint8Array): boolean {
  return filled > 0 && buffer.buffer === piece.buffer && buffer.byteOffset + filled === piece.byteOffset
}

/** Pieces of a part that is to be written, in their order. */
export type PartPieces = readonly Binary[]

/** The body, cut as it was given unless all of it is text, and its boundary: the base64url SHA-256 of the parts, joined with CRLF. */
export function writeMultipart(parts: readonly PartPieces[]): { boundary: string; pieces: Binary[] } {
  if (parts.every(isText)) return writeText(parts.map((part) => part.join('')))
  const boundary = boundaryOf(parts)
  const pieces: Binary[] = []
  for (const part of parts) {
    pieces.push(`${pieces.length === 0 ? '' : CRLF}--${boundary}${CRLF}`)
    for (const piece of part) pieces.push(piece)
  }
  pieces.push(`${CRLF}--${boundary}--`)
  return { boundary, pieces }
}

/** All of them behind each other; texts as UTF-8. */
export function joinPieces(pieces: readonly Binary[]): Uint8Array {
  return isText(pieces) ? utf8(pieces.join('')) : concat(pieces.map(binaryBytes))
}

/** The same bytes in few pieces: texts that follow each other become one, large values stay where they are. */
export function mergedPieces(pieces: readonly Binary[]): Uint8Array[] {
  const merged: Uint8Array[] = []
  let texts: Binary[] = []
  for (const piece of pieces) {
    if (typeof piece === 'string' || piece.length <= MERGED_BYTES_MAX) texts.push(piece)
    else {
      if (texts.length > 0) merged.push(joinPieces(texts))
      merged.push(piece)
      texts = []
    }
  }
  return texts.length > 0 ? [...merged, joinPieces(texts)] : merged
}

function isText(pieces: readonly Binary[]): boolean {
  return pieces.every((piece) => typeof piece === 'string')
}

function writeText(parts: readonly string[]): { boundary: string; pieces: Binary[] } {
  const boundary = sha256Text(parts.join(CRLF))
  return { boundary, pieces: [`--${boundary}${CRLF}${parts.join(`${CRLF}--${boundary}${CRLF}`)}${CRLF}--${boundary}--`] }
}

function boundaryOf(parts: readonly PartPieces[]): string {
  const pieces = parts.flatMap((part, i) => (i === 0 ? part : [CRLF, ...part]))
  const running = createSha256()
  for (const piece of mergedPieces(pieces)) running.update(piece)
  return toBase64url(running.digest())
}

/** Split at the first `: `, so that a name may have a colon; at the first colon where there is none, as other software writes it. */
function parseLine(line: Uint8Array): [name: string, value: Binary] | null {
  const text = toTextStrict(line)
  return text === null ? parseBinaryLine(line) : parseText(text)
}

function parseText(text: string): [name: string, value: string] | null {
  const at = text.indexOf(': ')
  if (at >= 0) return [text.slice(0, at), text.slice(at + 2)]
  const colon = text.indexOf(':')
  return colon < 0 ? null : [text.slice(0, colon), text.slice(colon + 1).trim()]
}

function parseBinaryLine(line: Uint8Array): [name: string, value: Binary] | null {
  const at = toLatin1(line).indexOf(': ')
  const name = at < 0 ? null : toTextStrict(line.subarray(0, at))
  return name === null ? null : [name, toBinary(line.subarray(at + 2))]
}

function isBlank(byte = 0): boolean {
  return byte === SPACE || byte === TAB || byte === CR || byte === LF
}

function boundaryInvalid(boundary: string): HeddleError<'encoding-invalid'> {
  return multipartInvalid(
    0,
    `"${clip(boundary)}" is not a boundary; take 1 to ${MULTIPART_BOUNDARY_BYTES_MAX} characters that are visible ASCII`,
  )
}

function multipartInvalid(at: number, problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'multipart', at }, `multipart body: ${problem}`)
}
