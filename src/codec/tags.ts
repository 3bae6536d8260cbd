/** Tags of transactions and data items: byte strings by protocol, text nearly always. Order and repeats matter. */
import { toTextLossy, utf8 } from '../base/bytes.ts'

export interface Tag {
  readonly name: Uint8Array
  readonly value: Uint8Array
}

/** Tags as most clients think of them. Bytes that are not UTF-8 become U+FFFD, so never sign or hash this form. */
export interface TextTag {
  readonly name: string
  readonly value: string
}

export function textTag(name: string, value: string): Tag {
  return { name: utf8(name), value: utf8(value) }
}

export function toTextTags(tags: readonly Tag[]): TextTag[] {
  return tags.map(({ name, value }) => ({ name: toTextLossy(name), value: toTextLossy(value) }))
}

/** Value of the first tag with exactly this name. */
export function findTag(tags: readonly TextTag[], name: string): string | undefined {
  return tags.find((tag) => tag.name === name)?.value
}

/** Value of the first tag with this name in any case. */
export function findTagIgnoringCase(tags: readonly TextTag[], name: string): string | undefined {
  const wanted = name.toLowerCase()
  return tags.find((tag) => tag.name.toLowerCase() === wanted)?.value
}

/** Does the item hold a bundle? Names match in any case (HyperBEAM writes them lower-case). */
export function isBundle(tags: readonly TextTag[]): boolean {
  return findTagIgnoringCase(tags, 'Bundle-Format') === 'binary' && (findTagIgnoringCase(tags, 'Bundle-Version') ?? '').startsWith('2.')
}
