/** The demo's way of telling: numbered steps with the time each took, and under them facts that were read back. */
import type { Output } from '../output.ts'

export interface Step {
  /** A line under the step: a name and what was found. */
  fact(name: string, value: string): void
}

export interface Story {
  /** Runs the work, then shows its title, time and facts. A failure is shown at its step. */
  step<T>(title: string, work: (step: Step) => Promise<T>): Promise<T>
  end(tookMs: number, stopped: boolean): void
}

export function createStory(output: Output): Story {
  const { paint } = output
  const total = output.progress('Working')
  let number = 0
  return {
    async step(title, work) {
      number += 1
      const facts: [string, string][] = []
      const began = performance.now()
      total.update(0, 1, title)
      try {
        return await work({ fact: (name, value) => void facts.push([name, value]) })
      } catch (error) {
        total.end()
        output.line(`${paint.red('✗')} ${number}. ${title}`)
        throw error
      } finally {
        total.end()
        if (facts.length > 0) show(facts, title, performance.now() - began)
      }
    },
    end(tookMs, stopped) {
      output.line()
      output.line(paint.bold(`All of this in ${(tookMs / 1_000).toFixed(1)} s.`))
      output.line(
        stopped
          ? paint.dim('The node was started for the demo and is stopped again. Run "heddle start" and open the addresses above.')
          : paint.dim('The node goes on running: open the addresses above.'),
      )
    },
  }

  function show(facts: readonly [string, string][], title: string, tookMs: number): void {
    output.line(`${paint.green('✓')} ${number}. ${paint.bold(title)} ${paint.dim(`${Math.round(tookMs)} ms`)}`)
    const width = Math.max(...facts.map(([name]) => name.length))
    for (const [name, value] of facts) output.line(`     ${paint.dim(name.padEnd(width))}  ${value}`)
  }
}
