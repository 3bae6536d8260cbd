/** Where messages and results are kept, content-addressed. `services/ao-core/message-store.ts` is the durable one. */
import type { Message, Value } from '../codec/message/value.ts'

export interface WriteOptions {
  /** Resolves only when it is on disk. Without it the write may be lost in a crash: for what can be computed again. */
  readonly isDurable?: boolean
}

export interface MessageStore {
  /**
   * What is at `<id>`, at `<id>/<key>/…`, or was put at a path of its own. Any id of a message finds it: unsigned, of a commitment, of an item.
   * A message comes with its children as links. Null when it is not here.
   */
  read(path: string): Promise<Value | null>
  /** Keeps a message with all its children, by all its ids. Private keys are not kept. Gives its unsigned id. */
  write(message: Message, options?: WriteOptions): Promise<string>
  /** A value of any kind under a path of its own, such as a literal result at `computed/…`. Gives the id of the content. */
  writeAt(path: string, value: Value, options?: WriteOptions): Promise<string>
  /** Makes what is at `path` readable at `alias` too. Fails with `not-found` when nothing is there. */
  link(path: string, alias: string, options?: WriteOptions): Promise<void>
  /** Names of the keys of what is at `path`; null when it is not here or not a message. */
  list(path: string): Promise<readonly string[] | null>
  /** Unsigned ids of messages that have all of these keys with these binary values. */
  match(wanted: Message): Promise<readonly string[]>
}
