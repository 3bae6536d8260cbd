/** One refusal for whatever is larger than it may be, with the figures. */
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_DEPTH_MAX } from '../../base/limits.ts'

export function tooLarge(what: string, size: number, max: number): HeddleError<'too-large'> {
  return new HeddleError('too-large', { what, size, max }, `${what}: ${size}, at most ${max} are accepted`)
}

/** Of messages within messages, or lists within lists. */
export function tooDeep(what = 'messages within messages'): HeddleError<'too-large'> {
  const max = AO_CORE_DEPTH_MAX
  const message = `${what} are more than ${max} deep; nest them less or use links`
  return new HeddleError('too-large', { what: 'depth of a message', size: max + 1, max }, message)
}
