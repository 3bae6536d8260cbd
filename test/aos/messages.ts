/** Messages as a compute unit gives them to an aos process, for tests: the fields, their order and what is left out of them. */
import { asBuffer } from '../../src/base/bytes.ts'
import type { TxId } from '../../src/base/ids.ts'
import type { TextTag } from '../../src/codec/tags.ts'
import type { GuestEnv, GuestMessage } from '../../src/guests/guest.ts'

const id = (letter: string): TxId => letter.repeat(43) as TxId

export const PROCESS = id('p')
export const OWNER = id('o')
export const ALICE = id('a')
export const BOB = id('b')
export const CAROL = id('c')
export const OTHER_PROCESS = id('q')
/** Whoever this signs for another process is believed. */
export const AUTHORITY = id('u')
const MODULE = id('m')
const START_MS = 1_700_000_000_000
const START_HEIGHT = 1000

export type Tags = Readonly<Record<string, string>>

const tagList = (tags: Tags): TextTag[] => Object.entries(tags).map(([name, value]) => ({ name, value }))

const PROCESS_TAGS = tagList({
  'Data-Protocol': 'ao',
  Variant: 'ao.TN.1',
  Type: 'Process',
  Module: MODULE,
  Scheduler: id('s'),
  Name: 'tester',
  Authority: AUTHORITY,
})

export const ENV: GuestEnv = {
  Process: { Id: PROCESS, Owner: OWNER, Tags: PROCESS_TAGS },
  Module: { Id: MODULE, Owner: id('w'), Tags: tagList({ Type: 'Module', 'Memory-Limit': '1-gb' }) },
}

/** What differs from a message that its signer sends to the process. */
export interface Draft {
  readonly from?: string
  readonly owner?: string
  readonly target?: string
  readonly tags?: Tags
  readonly data?: string | Uint8Array | null
  /** Fields that take the place of those that the log gives; undefined leaves one out. */
  readonly fields?: Readonly<Record<string, unknown>>
}

/** The log of a process: its first message is the process itself, whatever comes then has the next slot. */
export class MessageLog {
  #slot = 0

  boot(): GuestMessage {
    return { ...this.#fields(PROCESS, OWNER, { data: '1984' }), Module: MODULE, Tags: PROCESS_TAGS }
  }

  next(draft: Draft): GuestMessage {
    const owner = draft.owner ?? draft.from ?? OWNER
    this.#slot += 1
    return { ...this.#fields(`${this.#slot}`.padStart(43, 'i'), owner, draft), ...draft.fields }
  }

  /** What a dry run of this would be, after what the log holds by now. */
  dry(draft: Draft): GuestMessage {
    const { Id, Signature, Epoch, Nonce, 'Hash-Chain': _, ...fields } = this.#fields('', draft.owner ?? draft.from ?? OWNER, draft)
    return { ...fields, 'Read-Only': true, ...draft.fields }
  }

  #fields(itemId: string, owner: string, { from = owner, target = PROCESS, tags = {}, data = '' }: Draft): GuestMessage {
    return {
      Id: itemId,
      Signature: 's'.repeat(86),
      Data: data,
      Owner: owner,
      Target: target,
      Anchor: null,
      From: from,
      ...(from === owner ? {} : { 'Forwarded-By': owner }),
      Tags: tagList({ 'Data-Protocol': 'ao', Type: 'Message', Variant: 'ao.TN.1', ...tags }),
      Epoch: 0,
      Nonce: this.#slot,
      Timestamp: START_MS + this.#slot * 1000,
      'Block-Height': START_HEIGHT + this.#slot,
      'Hash-Chain': 'h'.repeat(43),
      Cron: false,
      'Read-Only': false,
    }
  }
}

export const evaluation = (source: string): Draft => ({ tags: { Action: 'Eval' }, data: source })

/** As another process sends it: signed by a messenger that it names as its authority. */
export const pushed = (tags: Tags, data: Draft['data'] = '', from = OTHER_PROCESS): Draft => ({ from, owner: AUTHORITY, tags, data })

/** As the process's own timer gives it: nobody signed it, no scheduler numbered it. */
export function cron(tags: Tags): Draft {
  const none = { Id: undefined, Signature: undefined, Data: undefined, Anchor: undefined, Epoch: undefined, Nonce: undefined }
  return { tags, fields: { ...none, 'Hash-Chain': undefined, 'Read-Only': undefined, Cron: true } }
}

/** Units hand Data to modules as text: U+FFFD stands for bytes that are none. A byte order mark stays. */
export function withTextData(message: GuestMessage): GuestMessage {
  const { Data } = message
  return Data instanceof Uint8Array ? { ...message, Data: asBuffer(Data).toString('utf8') } : message
}
