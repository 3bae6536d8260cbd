/**
 * httpsig@1.0: messages as headers and a body, with their signatures.
 *
 * Keys     `to`          the base as {headers…, body}, in the exact form, which HTTP cannot always carry; with `bundle` children come whole, else as links
 *          `from`        the message of such a base, once its signatures hold
 *          `serialize`   the same as one text, as HTTP/1.1 has it; with `format` `components`: {headers, body}
 * Source   permaweb/HyperBEAM src/dev_codec_httpsig.erl, dev_codec_httpsig_conv.erl (2025-11)
 */
import { concat, utf8 } from '../base/bytes.ts'
import { encodeHttpMessage } from '../codec/message/http-message.ts'
import { HTTPSIG_DEVICE } from '../codec/message/signature-headers.ts'
import { type Binary, binaryBytes, type HttpsigForm, isBinary, type Message, toBinary, type Value } from '../codec/message/value.ts'
import { verifyReceived } from '../codec/message/verify.ts'
import { isBundleWanted, wholeIfWanted, withoutCast } from '../kernel/codec-device.ts'
import type { Device, Env } from '../kernel/device.ts'
import { ok } from '../kernel/outcomes.ts'

export const httpsig: Device = {
  name: HTTPSIG_DEVICE,
  keys: {
    to: async (base, request, env) => {
      const { headers, body } = await formOf(base, request, env)
      return ok(new Map<string, Value>([...headers, ...bodyEntry(body)]))
    },
    from: async (base) => ok((await verifyReceived(receivedForm(withoutCast(base, HTTPSIG_DEVICE)))).message),
    serialize: async (base, request, env) => {
      const form = await formOf(base, request, env)
      if (request.get('format') !== 'components') return ok(toBinary(serialized(form)))
      return ok(new Map<string, Value>([['headers', form.headers as Message], ...bodyEntry(form.body)]))
    },
  },
}

async function formOf(base: Message, request: Message, env: Env): Promise<HttpsigForm> {
  const message = await wholeIfWanted(withoutCast(base, HTTPSIG_DEVICE), request, env)
  return encodeHttpMessage(message, { wire: false, bundle: isBundleWanted(request) })
}

function bodyEntry(body: Uint8Array | null): [string, Value][] {
  return body === null ? [] : [['body', toBinary(body)]]
}

/** What of the base is header or body; flags that a request brought with it are neither. */
function receivedForm(base: Message): HttpsigForm {
  const headers = new Map<string, Binary>()
  for (const [key, value] of base) if (isBinary(value) && key !== 'body') headers.set(key.toLowerCase(), value)
  const body = base.get('body')
  return { headers, body: isBinary(body) ? binaryBytes(body) : null }
}

function serialized({ headers, body }: HttpsigForm): Uint8Array {
  const lines = [...headers].map(([name, value]) => concat([utf8(`${name}: `), binaryBytes(value), utf8('\r\n')]))
  return concat([...lines, utf8('\r\n'), ...(body === null ? [] : [body])])
}
