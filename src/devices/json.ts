/**
 * json@1.0: messages as JSON, with `ao-types` for what JSON has no types for.
 *
 * Keys     `serialize`, `to`        {content-type, body} of the base. With `bundle` or `accept-bundle` what it links to comes whole
 *          `deserialize`, `from`    what the JSON text is under the base's key that `target` names (default `body`)
 *          `content-type`
 * Source   permaweb/HyperBEAM src/dev_codec_json.erl (2025-11), which takes commitments in the text unverified. A cast to this device shows as `device` in what it encodes, as there.
 */
import { decodeJsonValue, encodeJson } from '../codec/message/json.ts'
import { isMessage, type Message, message } from '../codec/message/value.ts'
import { admitMessage } from '../codec/message/verify.ts'
import { textPayload, wholeIfWanted } from '../kernel/codec-device.ts'
import type { Device, Env, Outcome } from '../kernel/device.ts'
import { ok } from '../kernel/outcomes.ts'

const CONTENT_TYPE = 'application/json'

export const json: Device = {
  name: 'json@1.0',
  keys: { serialize, to: serialize, deserialize, from: deserialize, 'content-type': () => ok(CONTENT_TYPE) },
}

async function serialize(base: Message, request: Message, env: Env): Promise<Outcome> {
  return ok(message({ 'content-type': CONTENT_TYPE, body: encodeJson(await wholeIfWanted(base, request, env)) }))
}

async function deserialize(base: Message, request: Message, env: Env): Promise<Outcome> {
  const text = await textPayload(base, request, env, 'JSON')
  if (typeof text !== 'string') return text
  const value = decodeJsonValue(text)
  return ok(isMessage(value) ? await admitMessage(value) : value)
}
