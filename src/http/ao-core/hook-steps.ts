/**
 * Steps of a request as values, for the hook `request`, and back.
 *
 * Wire        An id is text, a message a message; a cast is a message with `device`, what stands in brackets a message of its steps. The last two have
 *             private marks, which handlers that pass them on keep.
 */
import { HeddleError } from '../../base/errors.ts'
import { isList, isMessage, type Message, type Value } from '../../codec/message/value.ts'
import { Cast, type Step, type StepMessage, Steps } from '../../kernel/steps.ts'

const CAST_MARK = 'priv-cast'
const STEPS_MARK = 'priv-steps'

export function toStepList(steps: readonly Step[]): Value[] {
  return steps.map((step) => {
    if (typeof step === 'string') return step
    if (step instanceof Steps) return stepsValue(step)
    if (!(step instanceof Cast)) return toMessage(step)
    return new Map([...toMessage(step.message), ['device', step.device], [CAST_MARK, true]])
  })
}

/** Fails with `request-invalid` where one is no step. */
export function fromStepList(list: readonly Value[]): Step[] {
  return list.map((value) => {
    if (typeof value === 'string') return value
    if (!isMessage(value)) throw notAStep()
    const nested = value.get(STEPS_MARK)
    if (isList(nested)) return new Steps(fromStepList(nested))
    const message = fromMessage(value)
    const device = value.get('device')
    if (value.get(CAST_MARK) !== true || typeof device !== 'string') return message
    return new Cast(device, new Map([...message].filter(([key]) => key !== 'device' && key !== CAST_MARK)))
  })
}

function stepsValue({ steps }: Steps): Message {
  return new Map([[STEPS_MARK, toStepList(steps)]])
}

function toMessage(message: StepMessage): Message {
  for (const value of message.values())
    if (value instanceof Steps) return new Map([...message].map(([key, item]) => [key, item instanceof Steps ? stepsValue(item) : item]))
  return message as Message
}

function fromMessage(message: Message): StepMessage {
  const isNested = (value: Value): value is Message => isMessage(value) && isList(value.get(STEPS_MARK))
  if (![...message.values()].some(isNested)) return message
  return new Map(
    [...message].map(([key, value]) => [key, isNested(value) ? new Steps(fromStepList(value.get(STEPS_MARK) as Value[])) : value]),
  )
}

function notAStep(): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field: 'body' }, 'the hook `request` gave something that is no step; give ids and messages')
}
