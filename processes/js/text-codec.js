/** TextEncoder and TextDecoder, for UTF-8: what is between strings and bytes. Source: WHATWG Encoding Standard. */

const PIECE = 4096

class TextEncoder {
  get encoding() {
    return 'utf-8'
  }

  encode(text = '') {
    const string = String(text).toWellFormed()
    const bytes = new Uint8Array(string.length * 3)
    let at = 0
    for (let i = 0; i < string.length; i++) {
      const code = string.charCodeAt(i)
      if (code < 0x80) bytes[at++] = code
      else if (code < 0x800) {
        bytes[at++] = 0xc0 | (code >> 6)
        bytes[at++] = 0x80 | (code & 63)
      } else if (code < 0xd800 || code > 0xdfff) {
        bytes[at++] = 0xe0 | (code >> 12)
        bytes[at++] = 0x80 | ((code >> 6) & 63)
        bytes[at++] = 0x80 | (code & 63)
      } else {
        const point = string.codePointAt(i++)
        bytes[at++] = 0xf0 | (point >> 18)
        bytes[at++] = 0x80 | ((point >> 12) & 63)
        bytes[at++] = 0x80 | ((point >> 6) & 63)
        bytes[at++] = 0x80 | (point & 63)
      }
    }
    return bytes.slice(0, at)
  }
}

/** Length of a sequence by its first byte, and the range of its second one. */
function sequence(first) {
  if (first >= 0xc2 && first <= 0xdf) return [1, first & 31, 0x80, 0xbf]
  if (first >= 0xe0 && first <= 0xef) return [2, first & 15, first === 0xe0 ? 0xa0 : 0x80, first === 0xed ? 0x9f : 0xbf]
  if (first >= 0xf0 && first <= 0xf4) return [3, first & 7, first === 0xf0 ? 0x90 : 0x80, first === 0xf4 ? 0x8f : 0xbf]
  return null
}

class TextDecoder {
  #isFatal
  #keepsMark

  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*(?:utf-?8|unicode-1-1-utf-8)\s*$/i.test(label)) throw new RangeError(`TextDecoder knows utf-8 only, not ${label}`)
    this.#isFatal = Boolean(fatal)
    this.#keepsMark = Boolean(ignoreBOM)
  }

  get encoding() {
    return 'utf-8'
  }

  decode(input = new Uint8Array(0)) {
    const bytes = ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input)
    let text = ''
    let points = []
    const put = (point) => {
      points.push(point)
      if (points.length < PIECE) return
      text += String.fromCodePoint(...points)
      points = []
    }
    const wrong = () => {
      if (this.#isFatal) throw new TypeError('the bytes are not UTF-8')
      put(0xfffd)
    }
    for (let at = 0; at < bytes.length; ) {
      const first = bytes[at++]
      if (first < 0x80) {
        put(first)
        continue
      }
      const kind = sequence(first)
      if (kind === null) {
        wrong()
        continue
      }
      let [left, point, low, high] = kind
      while (left > 0 && at < bytes.length && bytes[at] >= low && bytes[at] <= high) {
        point = (point << 6) | (bytes[at++] & 63)
        left -= 1
        low = 0x80
        high = 0xbf
      }
      if (left === 0) put(point)
      else wrong()
    }
    text += String.fromCodePoint(...points)
    return !this.#keepsMark && text.startsWith('\ufeff') ? text.slice(1) : text
  }
}

for (const [name, value] of Object.entries({ TextEncoder, TextDecoder }))
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
