/**
 * A device that says what arrived: the request as it was signed, written as a term of Erlang, which is what hbsig's own suite reads its messages back from.
 *
 * Keys     `msg2`   what of the request is signed, as a term of Erlang
 *          `back`   the same as a message, which the node then signs
 */
import { withoutCommitments } from '../../../src/codec/message/commitment.ts'
import {
  type Atom,
  binaryBytes,
  Float,
  isBinary,
  isList,
  isMessage,
  Link,
  type Message,
  type Value,
} from '../../../src/codec/message/value.ts'
import type { Device } from '../../../src/kernel/device.ts'
import { signedPart } from '../../../src/kernel/received.ts'

export const echo: Device = {
  name: 'hbsig@1.0',
  keys: {
    msg2: async (_base, request) => ({ status: 'ok', value: erlangTerm(await sent(request)) }),
    back: async (_base, request) => ({ status: 'ok', value: await sent(request) }),
  },
}

async function sent(request: Message): Promise<Message> {
  return withoutCommitments((await signedPart(request, () => true)) ?? request)
}

function erlangTerm(value: Value): string {
  if (isBinary(value)) return binaryTerm(binaryBytes(value))
  if (isList(value)) return `[${value.map(erlangTerm).join(',')}]`
  if (isMessage(value)) return messageTerm(value)
  if (value instanceof Float) return value.value.toExponential(20)
  if (value instanceof Link) throw new TypeError(`the link to ${value.id} was not loaded`)
  return typeof value === 'object' && value !== null ? atomTerm(value) : String(value)
}

function messageTerm(message: Message): string {
  return `#{${[...message].map(([key, value]) => `${erlangTerm(key)} => ${erlangTerm(value)}`).join(',')}}`
}

function binaryTerm(bytes: Uint8Array): string {
  return `<<${bytes.join(',')}>>`
}

function atomTerm({ name }: Atom): string {
  return /^[a-z][A-Za-z0-9_@]*$/.test(name) ? name : `'${name.replace(/[\\']/g, '\\$&')}'`
}
