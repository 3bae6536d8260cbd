/** The demo's way of telling: numbered steps with the time each took, and under them facts that were read back. */
import { errorText, HeddleError } from '../../base/errors.ts'
import { CommandError, UsageError } from '../command.ts'
import type { Output } from '../output.ts'

export interface Step {
  /** A line under the step: a name and what was found. */
  fact(name: string, value: string): void
}

export interface ToldStep {
  readonly title: string
  readonly tookMs: number
  readonly facts: readonly (readonly [name: string, value: string])[]
}

export interface Ending {
  readonly tookMs: number
  /** What to open in a browser, by name. */
  readonly links: Readonly<Record<string, string>>
  /** The command that starts the node again, when it was started for the demo; null when it ran before. */
  readonly started: string | null
  /** The node goes on until Ctrl-C. */
  readonly keep: boolean
}

export interface Story {
  /** Runs the work, then shows its title, time and facts. A failure is shown at its step. */
  step<T>(title: string, work: (step: Step) => Promise<T>): Promise<T>
  steps(): readonly ToldStep[]
  end(ending: Ending): void
}

export function createStory(output: Output): Story {
  const { paint } = output
  const told: ToldStep[] = []
  return {
    async step(title, work) {
      const facts: [string, string][] = []
      const began = performance.now()
      const number = told.length + 1
      try {
        const result = await output.busy(`${number}. ${title}`, work({ fact: (name, value) => void facts.push([name, value]) }))
        show(`${paint.green('✓')} ${number}. ${paint.bold(title)}`)
        return result
      } catch (error) {
        show(`${paint.red('✗')} ${number}. ${paint.bold(title)}`)
        throw failure(title, error)
      }

      function show(headline: string): void {
        const tookMs = Math.round(performance.now() - began)
        told.push({ title, tookMs, facts })
        output.line(`${headline} ${paint.dim(`${tookMs} ms`)}`)
        table(facts)
      }
    },
    steps: () => told,
    end({ tookMs, links, started, keep }) {
      output.line()
      output.line(paint.bold(`All of this in ${(tookMs / 1_000).toFixed(1)} s. Open in a browser:`))
      table(Object.entries(links))
      output.line(paint.dim(advice(started, keep)))
    },
  }

  function table(facts: readonly (readonly [string, string])[]): void {
    const width = Math.max(0, ...facts.map(([name]) => name.length))
    for (const [name, value] of facts) output.line(`     ${paint.dim(name.padEnd(width))}  ${output.plain(value)}`)
  }
}

function advice(started: string | null, keep: boolean): string {
  if (started === null) return 'The node goes on running.'
  if (keep) return 'The node goes on running; stop it with Ctrl-C.'
  return `The node was started for the demo and is stopped again: run "${started}" first. Its data is still there.`
}

/** Says where it happened. Client libraries throw errors of many kinds, most of them because the node is gone. */
function failure(title: string, error: unknown): Error {
  if (error instanceof UsageError || error instanceof CommandError) return error
  const reason = rootText(error)
  const code = error instanceof HeddleError ? error.code : 'demo-failed'
  return new CommandError(code, `the demo failed at "${title}": ${reason}; "heddle doctor" looks for causes`, { cause: error })
}

function rootText(error: unknown): string {
  if (error instanceof Error && error.cause !== undefined && error.message === 'fetch failed')
    return `the node does not answer (${rootText(error.cause)})`
  if (error instanceof AggregateError && error.errors.length > 0) return rootText(error.errors[0])
  return errorText(error)
}
