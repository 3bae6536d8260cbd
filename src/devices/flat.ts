/**
 * flat@1.0: nested messages as one level of keys that are paths.
 *
 * Keys     `to`            the base with `a/b/c` for what is nested
 *          `from`          the base with its paths nested again
 *          `serialize`     the same as text, one `path: value` a line
 *          `deserialize`   the message in the text under the base's key that `target` names (default `body`)
 *          `content-type`
 * Source   permaweb/HyperBEAM src/dev_codec_flat.erl (2025-11)
 */
import { decodeFlat, decodeFlatText, encodeFlat, encodeFlatText, type FlatMessage } from '../codec/message/flat.ts'
import { decodeStructured, encodeStructured } from '../codec/message/structured.ts'
import { isBinary, type Message, message } from '../codec/message/value.ts'
import { textPayload, wholeWithoutCast, withoutCast } from '../kernel/codec-device.ts'
import type { Device, Env, Outcome } from '../kernel/device.ts'
import { ok } from '../kernel/outcomes.ts'

const NAME = 'flat@1.0'
const CONTENT_TYPE = 'application/flat'

export const flat: Device = {
  name: NAME,
  keys: {
    to: async (base, _request, env) => ok(await flatOf(base, env)),
    from: (base) => ok(decodeStructured(decodeFlat(binaries(withoutCast(base, NAME))))),
    serialize: async (base, _request, env) => ok(message({ 'content-type': CONTENT_TYPE, body: encodeFlatText(await flatOf(base, env)) })),
    deserialize,
    'content-type': () => ok(CONTENT_TYPE),
  },
}

async function flatOf(base: Message, env: Env): Promise<FlatMessage> {
  return encodeFlat(encodeStructured(await wholeWithoutCast(base, NAME, env)))
}

async function deserialize(base: Message, request: Message, env: Env): Promise<Outcome> {
  const text = await textPayload(base, request, env, 'Flat')
  return typeof text === 'string' ? ok(decodeStructured(decodeFlat(decodeFlatText(text)))) : text
}

/** What of the base can stand in a flat message; flags of the request that were merged into it cannot. */
function binaries(base: Message): FlatMessage {
  return new Map([...base].flatMap(([key, value]) => (isBinary(value) ? [[key, value] as const] : [])))
}
