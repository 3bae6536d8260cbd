/**
 * What a gateway sends as `Content-Type` for the value of an item's tag: the value itself, with a charset where browsers need one.
 * Source: gateway behaviour of express `res.contentType`, as clients see it through ar-io-node.
 */
const HEADER_SAFE = /^[\t\x20-\x7e]+$/
const NEEDS_CHARSET = ['text/', 'application/javascript', 'application/json']
const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    json: 'application/json; charset=utf-8',
    html: 'text/html; charset=utf-8',
    text: 'text/plain; charset=utf-8',
    txt: 'text/plain; charset=utf-8',
    css: 'text/css; charset=utf-8',
    js: 'text/javascript; charset=utf-8',
    xml: 'application/xml',
    svg: 'image/svg+xml',
    png: 'image/png',
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    gif: 'image/gif',
    webp: 'image/webp',
    pdf: 'application/pdf',
    mp4: 'video/mp4',
    wasm: 'application/wasm',
  }),
)
const UNKNOWN = 'application/octet-stream'

export function contentTypeHeader(tagValue: string | null): string {
  if (tagValue === null || tagValue === '' || !HEADER_SAFE.test(tagValue)) return UNKNOWN
  if (!tagValue.includes('/')) return SHORT_NAMES.get(tagValue) ?? UNKNOWN
  if (tagValue.toLowerCase().includes('charset=')) return tagValue
  return NEEDS_CHARSET.some((prefix) => tagValue.startsWith(prefix)) ? `${tagValue}; charset=utf-8` : tagValue
}

/** Null when the tag is absent or not a coding that browsers know. */
export function contentEncodingHeader(tagValue: string | null): string | null {
  return tagValue !== null && /^(?:gzip|br|deflate|zstd)$/i.test(tagValue) ? tagValue : null
}
