/**
 * Which pushed messages a process has had, by content: units that push the same outbox each sign it for themselves, so its id says nothing.
 *
 * Wire        deep hash of ["dataitem", "1", "1", "", target, anchor, tags, data]: tags without Pushed-For, sorted by name, then value; of it the
 *             first 32 bytes
 * Source      permaweb/ao servers/su (core/bytes, deep_hash)
 * Invariants  Of a content that says where it was pushed from, a process takes one message, whoever signed it. What this node pushes itself is not
 *             refused, since it is sent exactly once already: otherwise anyone could keep a message from arriving by sending its content first.
 *             Messages of users are neither hashed nor looked up. The entry is in the commit of the slot and goes with it, see revert.ts.
 */
import { EMPTY, toBase64url, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { ID_BYTES, idBytes, isTxId, type TxId } from '../../base/ids.ts'
import { deepHashesAfter } from '../../codec/deep-hash.ts'
import { encodeItemTags } from '../../codec/item-tags.ts'
import { findTag, type TextTag, textTag } from '../../codec/tags.ts'
import type { KvStore } from '../../store/kv-store.ts'
import { contentWrite, type LogRecord } from './records.ts'
import type { SourceMessage } from './sources.ts'

type Content = Pick<SourceMessage, 'target' | 'anchor' | 'tags' | 'data'>

/** Format, version, signature type and owner are the same for all. */
const hashOf = deepHashesAfter([utf8('dataitem'), utf8('1'), utf8('1'), EMPTY], 8)

/** All 48 bytes. */
export function contentHash({ target, anchor, tags, data }: Content): Uint8Array {
  const counted = tags.filter(({ name }) => name !== 'Pushed-For').sort(byNameAndValue)
  const encoded = encodeItemTags(counted.map(({ name, value }) => textTag(name, value)))
  const to = isTxId(target) ? idBytes(target) : EMPTY
  return hashOf([to, anchor, encoded, data])
}

export class ContentIndex {
  readonly #kv: Pick<KvStore, 'get'>
  /** By process and content: slots that are being taken. */
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(kv: Pick<KvStore, 'get'>) {
    this.#kv = kv
  }

  /** Runs `take`, which gives a slot to a message, unless its content has one. `isOwn`: this node pushes it. */
  async once<T>(
    process: TxId,
    source: SourceMessage,
    isOwn: boolean,
    take: (content: Pick<LogRecord, 'content'>) => Promise<T>,
  ): Promise<T> {
    if (source.target !== process || findTag(source.tags, 'From-Process') === undefined) return take({})
    const content = toBase64url(contentHash(source).subarray(0, ID_BYTES))
    const key = process + content
    if (isOwn) return this.#track(key, take({ content }))
    for (let other = this.#underWay.get(key); other !== undefined; other = this.#underWay.get(key)) await other
    return this.#track(
      key,
      this.#insistOnNew(process, source.id, content).then(() => take({ content })),
    )
  }

  #track<T>(key: string, work: Promise<T>): Promise<T> {
    const settled = work.then(nothing, nothing).finally(() => {
      if (this.#underWay.get(key) === settled) this.#underWay.delete(key)
    })
    this.#underWay.set(key, settled)
    return work
  }

  async #insistOnNew(process: TxId, id: TxId, content: string): Promise<void> {
    const { space, key } = contentWrite(process, content, null)
    if ((await this.#kv.get(space, key)) === null) return
    throw new HeddleError(
      'already-known',
      { id, where: 'process' },
      `Deep hash already exists: process ${process} has had a pushed message with the content of ${id}; it is not scheduled again`,
    )
  }
}

function byNameAndValue(a: TextTag, b: TextTag): number {
  return compare(a.name, b.name) || compare(a.value, b.value)
}

/** As their UTF-8 bytes compare. */
function compare(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Halves of a pair stand for characters behind all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

function nothing(): void {}
