/** Runs scenarios here and in the reference loader, and tells all differences. */
import { type Compared, difference } from './compare.ts'
import { ENV, MessageLog, withTextData } from './messages.ts'
import type { NamedModule } from './modules.ts'
import type { Reference } from './reference.ts'
import type { Scenario } from './scenarios.ts'
import { prepareSubject, type SubjectProgram } from './subject.ts'

/** One module in both. */
export interface Pair {
  readonly reference: Reference
  readonly module: NamedModule
  readonly program: SubjectProgram
  /** Steps until now that the reference loader answered without an error: a corpus that only fails alike would show little. */
  answered: number
}

export function openPair(reference: Reference, module: NamedModule): Pair {
  return { reference, module, program: prepareSubject(module), answered: 0 }
}

export async function differences(pair: Pair, scenario: Scenario): Promise<string[]> {
  const { reference, module, program } = pair
  const log = new MessageLog()
  const messages = [log.boot(), ...scenario.steps.map((step) => log.next(step))]
  const theirs = await reference.run({ module, env: ENV, messages: messages.map(withTextData) })
  const subject = program.spawn()
  const found = messages.map((message, i) => {
    const { name = 'boot', isMasked = false, data } = scenario.steps[i - 1] ?? {}
    const source = typeof data === 'string' ? data : ''
    const compared: Compared = { what: `${module.name}, ${scenario.name}: ${name}`, source, isMasked }
    return difference(subject.evaluate(message), theirs[i] ?? {}, compared)
  })
  subject.close()
  pair.answered += theirs.filter(({ Error: reported, thrown, broken }) => !reported && thrown === undefined && broken === undefined).length
  return found.filter((text) => text !== null)
}
