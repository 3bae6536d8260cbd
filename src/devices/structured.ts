/**
 * structured@1.0: messages with types ↔ messages of binaries whose types stand in `ao-types`.
 *
 * Keys     `from`   the base as binaries and `ao-types`
 *          `to`     the base, which is such a message, with its types
 * Source   permaweb/HyperBEAM src/dev_codec_structured.erl (2025-11)
 */
import { decodeStructured, encodeStructured } from '../codec/message/structured.ts'
import type { Message, Tabm } from '../codec/message/value.ts'
import { requireTabm, wholeWithoutCast, withoutCast } from '../kernel/codec-device.ts'
import type { Device } from '../kernel/device.ts'
import { ok } from '../kernel/outcomes.ts'

const NAME = 'structured@1.0'

export const structured: Device = {
  name: NAME,
  keys: {
    from: async (base, _request, env) => ok(encodeStructured(await wholeWithoutCast(base, NAME, env))),
    to: (base) => {
      const tabm = withoutFlags(withoutCast(base, NAME))
      requireTabm(tabm, NAME)
      return ok(decodeStructured(tabm as Tabm))
    },
  },
}

/** A request puts `accept-bundle` into its base as a boolean, which no such message has. */
function withoutFlags(base: Message): Message {
  return new Map([...base].filter(([, value]) => typeof value !== 'boolean'))
}
