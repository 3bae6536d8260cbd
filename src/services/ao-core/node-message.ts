/**
 * The node's own options, as a message that everybody can read and the operator can change.
 *
 * Order       what is usual < settings of the program < what the operator changed, which survives a restart
 * Source      AO-Core, as permaweb/HyperBEAM src/dev_meta.erl, hb_http_server.erl (2025-11) have it, but for its trust: there the request need not be
 *             verified, and the same one counts as often as it is sent
 * Invariants  A change is taken from what the operator's commitments cover, as they were signed, whatever else the request says. Each commitment
 *             counts once: it is noted in the commit that changes the options, so that it stays refused after a crash. Nothing private is shown.
 */
import { bigEndian, clip, concat, fromBase64url, fromBigEndian, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { NODE_HISTORY_SHOWN_MAX } from '../../base/limits.ts'
import { type Commitment, commitmentsOf, withoutCommitments } from '../../codec/message/commitment.ts'
import { unsignedId } from '../../codec/message/id.ts'
import { EMPTY_MESSAGE, isList, isMessage, isPrivateKey, type Message, type Value } from '../../codec/message/value.ts'
import type { NodeMessage } from '../../kernel/node-message.ts'
import { isMeant } from '../../kernel/own-signature.ts'
import { receivedAs } from '../../kernel/received.ts'
import { KV_VALUE_BYTES_MAX, type KvStore, type KvWrite } from '../../store/kv-store.ts'
import { isKnownOption, type NodeFacts, optionName, readOptions, UNCLAIMED, usualOptions, withoutPrivate, wordOf } from './node-options.ts'
import { decodeValue, encodeValue } from './record.ts'

export interface NodeMessageDeps {
  readonly kv: KvStore
  readonly facts: NodeFacts
  /** By the settings of the program. */
  readonly configured: Message
  /** Null until the node listens. */
  readonly port: () => number | null
  /** Fails with `signature-invalid` unless all commitments of a message hold. */
  readonly verify: (message: Message) => Promise<void>
}

const OPTIONS_KEY = utf8('ao-core options')

export class NodeOptions implements NodeMessage {
  readonly #deps: NodeMessageDeps
  readonly #usual: Message
  readonly #configured: Message
  #changed: Message
  /** The first one and the newest ones, oldest first. */
  #history: readonly Message[]
  #updates: number
  #shown: { readonly port: number | null; readonly options: Message } | null = null
  #updating: Promise<unknown> = Promise.resolve()
  #isStopped = false

  private constructor(deps: NodeMessageDeps, changed: Message, history: readonly Message[], updates: number) {
    this.#deps = deps
    this.#usual = usualOptions(deps.facts)
    this.#configured = readOptions(deps.configured, EMPTY_MESSAGE)
    this.#changed = changed
    this.#history = history
    this.#updates = updates
  }

  static async open(deps: NodeMessageDeps): Promise<NodeOptions> {
    const stored = await deps.kv.get('meta', OPTIONS_KEY)
    const history: Message[] = []
    let updates = 0
    for await (const { key, value } of deps.kv.scan('optionHistory', { reverse: true, limit: NODE_HISTORY_SHOWN_MAX })) {
      updates ||= Number(fromBigEndian(key))
      history.unshift(asMessage(decodeValue(value)))
    }
    // The first one says who began, so it is always shown.
    if (updates > history.length)
      for await (const { value } of deps.kv.scan('optionHistory', { limit: 1 })) history[0] = asMessage(decodeValue(value))
    return new NodeOptions(deps, stored === null ? EMPTY_MESSAGE : asMessage(decodeValue(stored)), history, updates)
  }

  get options(): Message {
    const port = this.#deps.port()
    if (this.#shown === null || this.#shown.port !== port) this.#shown = { port, options: this.#show(port) }
    return this.#shown.options
  }

  get(option: string): Value | undefined {
    if (isPrivateKey(option)) return this.#deps.configured.get(option)
    return this.options.get(optionName(option))
  }

  isOperator(request: Message): boolean {
    const operator = wordOf(this.get('operator'))
    return operator === UNCLAIMED || commitmentsOf(request).some((each) => each.committer === operator && isMeant(each))
  }

  async update(request: Message): Promise<{ readonly updates: number }> {
    if (this.#isStopped) throw new HeddleError('stopping', {}, 'the node is stopping; change its options when it is back')
    const done = this.#updating.then(() => this.#update(request))
    this.#updating = done.catch(() => {})
    return done
  }

  /** Resolves when the changes under way are taken. There are none after it. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#updating
  }

  async #update(request: Message): Promise<{ readonly updates: number }> {
    if (wordOf(this.get('initialized')) === 'permanent')
      throw refused('permanent', 'The node message of this machine is already permanent. It cannot be changed.')
    const signed = await this.#asSigned(request)
    const operator = wordOf(this.get('operator'))
    const own = commitmentsOf(signed).filter((each) => isMeant(each) && (operator === UNCLAIMED || each.committer === operator))
    if (own.length === 0 && operator !== UNCLAIMED)
      throw refused('node message', `Only the operator of this node changes its options; sign the request with the key of ${operator}`)
    const marks = own.flatMap((commitment) => marksOf(signed, commitment))
    const repeated = await this.#deps.kv.getMany('optionRequests', marks)
    if (repeated.some((mark) => mark !== null))
      throw refused('repeated request', 'This request has changed the options before; sign it again to repeat it')
    const changes = readOptions(own.length === 0 ? signed : covered(signed, own), this.options)
    if (own.length > 0 && !own.some(saysWhatFor)) this.#requirePurpose(changes)
    await this.#commit(new Map([...this.#changed, ...changes]), signed, marks)
    return { updates: this.#updates }
  }

  /**
   * Some clients never sign the path. Whatever else the operator signed, such as a file with a tag `Mode`, must not change what the node does when a
   * stranger posts it here: so options that mean something come alone. Those that mean nothing to this node do no harm.
   */
  #requirePurpose(changes: Message): void {
    const names = [...changes.keys()]
    const other = names.find((name) => !isKnownOption(name) && !this.options.has(name))
    if (names.length > 0 && (other === undefined || !names.some(isKnownOption))) return
    const problem =
      other === undefined ? 'The request has no options' : `The request has ${clip(other)} too, which is no option of this node`
    throw refused('node message', `${problem}; sign the path /~meta@1.0/info along, or the node's address, to say what it is for`)
  }

  /** What the edge verified; where it did not, the request itself has to hold. */
  async #asSigned(request: Message): Promise<Message> {
    const received = receivedAs(request)
    if (received === null) await this.#deps.verify(request)
    return received ?? request
  }

  async #commit(changed: Message, request: Message, marks: readonly Uint8Array[]): Promise<void> {
    const entry = asHistory(request) as Message
    encoded(withoutPrivate(entry) as Message) // Notes may take more than that: they are about as large as what they are of.
    const position = this.#updates + 1
    const writes: KvWrite[] = [
      { space: 'meta', key: OPTIONS_KEY, value: encoded(changed) },
      { space: 'optionHistory', key: bigEndian(position, 8), value: encodeValue(entry) },
      ...marks.map((key): KvWrite => ({ space: 'optionRequests', key, value: new Uint8Array(0) })),
    ]
    await this.#deps.kv.write(writes)
    this.#changed = changed
    const [first = entry, ...later] = [...this.#history, entry]
    this.#history = [first, ...later.slice(1 - NODE_HISTORY_SHOWN_MAX)]
    this.#updates = position
    this.#shown = null
  }

  #show(port: number | null): Message {
    const shown = new Map<string, Value>([...this.#usual, ...this.#configured, ...this.#changed])
    shown.set('address', this.#deps.facts.address)
    if (port !== null) shown.set('port', port)
    shown.set('node_history', this.#history)
    return shown
  }
}

/** `readOptions` sees to it that the address is this node's; another path does not lead here. */
function saysWhatFor({ committed }: Commitment): boolean {
  return committed.includes('path') || committed.includes('address')
}

/** By what a request is known again. Only RSA signatures have no second form that holds too, so for others the content counts as well. */
function marksOf(message: Message, { id, type, committer, committed }: Commitment): Uint8Array[] {
  if (type.startsWith('rsa-pss')) return [fromBase64url(id)]
  const content = withoutCommitments(new Map([...message].filter(([key]) => committed.includes(key))))
  return [fromBase64url(id), sha256(concat([utf8(`${committer} `), utf8(unsignedId(content))]))]
}

/** Without private keys, but for this node's notes in commitments: without them not all signatures can be verified again. */
function asHistory(value: Value): Value {
  if (isList(value)) return value.map(asHistory)
  if (!isMessage(value)) return value
  const shown = [...value].filter(([key]) => !isPrivateKey(key))
  return new Map(shown.map(([key, item]) => [key, key === 'commitments' ? item : asHistory(item)]))
}

function covered(message: Message, commitments: readonly Commitment[]): Message {
  const keys = new Set(commitments.flatMap(({ committed }) => committed))
  return new Map([...message].filter(([key]) => keys.has(key)))
}

function encoded(message: Message): Uint8Array {
  const bytes = encodeValue(message)
  const max = KV_VALUE_BYTES_MAX
  if (bytes.length <= max) return bytes
  throw new HeddleError(
    'too-large',
    { what: 'node message', size: bytes.length, max },
    `the options take ${bytes.length} bytes, at most ${max} are kept`,
  )
}

function asMessage(value: unknown): Message {
  if (isMessage(value)) return value
  throw new HeddleError('store-failed', { what: 'meta' }, 'the stored options of the node are damaged; run "heddle doctor"')
}

function refused(what: string, message: string): HeddleError<'not-allowed'> {
  return new HeddleError('not-allowed', { what }, message)
}
