/**
 * Which codec a body is in, and which one a reply is to be in.
 *
 * Wire        `codec-device: json@1.0`, or a media type: `application/json` is json@1.0, `application/x@2.0` x@2.0, `device/x@2.0` too
 * Source      permaweb/HyperBEAM src/hb_http.erl (2025-11), which crashes on a codec that it does not have
 */
import { clip } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'

const BODY_CODECS = ['httpsig@1.0', 'json@1.0', 'ans104@1.0', 'tx@1.0', 'flat@1.0'] as const
export type BodyCodec = (typeof BODY_CODECS)[number]

const REPLY_CODECS = ['httpsig@1.0', 'json@1.0', 'ans104@1.0', 'flat@1.0'] as const
export type ReplyCodec = (typeof REPLY_CODECS)[number]

const APPLICATION = 'application/'
const DEVICE = 'device/'

/** The codec of a body. A codec that is asked for by name and not here fails with `request-invalid`; other media types are httpsig@1.0's business. */
export function bodyCodec(codecDevice: string | undefined, contentType: string | undefined): BodyCodec {
  if (codecDevice !== undefined) return required(codecDevice, BODY_CODECS, 'codec-device')
  if (contentType === undefined) return 'httpsig@1.0'
  const type = mediaType(contentType)
  return type.includes('@') ? required(type, BODY_CODECS, 'content-type') : (codecOf(type, BODY_CODECS) ?? 'httpsig@1.0')
}

/** What `require-codec` names; fails with `request-invalid` when it is not here. */
export function requiredCodec(requireCodec: string): ReplyCodec {
  return required(requireCodec, REPLY_CODECS, 'require-codec')
}

/** What a client accepts besides others is not asked for. */
export function acceptedCodec(accept: string): ReplyCodec | null {
  return accept === '*/*' ? null : codecOf(mediaType(accept), REPLY_CODECS)
}

/** Does an `accept` header name HTML, as those of browsers do? */
export function acceptsHtml(accept: string): boolean {
  return accept.includes('text/html')
}

/** Without parameters; of several types the whole list, which is none of ours. */
function mediaType(value: string): string {
  const semicolon = value.indexOf(';')
  return (semicolon === -1 || value.includes(',') ? value : value.slice(0, semicolon)).trim().toLowerCase()
}

function required<Codec extends string>(name: string, codecs: readonly Codec[], field: string): Codec {
  const codec = codecOf(mediaType(name), codecs)
  if (codec !== null) return codec
  const problem = `${field} "${clip(name)}" is not a codec of this node; it has ${codecs.join(', ')}`
  throw new HeddleError('request-invalid', { field }, problem)
}

function codecOf<Codec extends string>(type: string, codecs: readonly Codec[]): Codec | null {
  const name = nameOf(type)
  return codecs.find((codec) => codec === name) ?? null
}

function nameOf(type: string): string {
  if (type.startsWith(DEVICE)) return type.slice(DEVICE.length)
  if (!type.startsWith(APPLICATION)) return type
  const subtype = type.slice(APPLICATION.length)
  return subtype.includes('@') ? subtype : `${subtype}@1.0`
}
