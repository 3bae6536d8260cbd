/** A thread that reads files as a guest does: carries out the steps that it is sent, and tells what came of each. */
import { parentPort, workerData } from 'node:worker_threads'
import { GuestFault, type GuestInstance } from '../src/guests/guest.ts'
import { FileTrouble, HostFiles } from '../src/guests/host-files.ts'
import { encodeValue } from '../src/guests/value-codec.ts'

/** One message, and what its program does. */
export interface Steps {
  readonly message: Readonly<Record<string, unknown>>
  readonly steps: readonly (readonly ['open', path: string] | readonly ['read', path: string, offset: number, size: number])[]
}

const { bridge } = workerData as { readonly bridge: SharedArrayBuffer }
const files = new HostFiles(bridge, (request) => parentPort?.postMessage({ request }))

parentPort?.on('message', ({ message, steps }: Steps) => {
  const seen: unknown[] = []
  const handle = (): never => {
    for (const step of steps) seen.push(carryOut(step))
    throw new GuestFault('error', 'done')
  }
  try {
    files.attach(7, { handle } as unknown as GuestInstance).handle(encodeValue(message))
  } catch {
    parentPort?.postMessage({ seen, outside: files.open(`/data/${'a'.repeat(43)}`) })
  }
})

function carryOut(step: Steps['steps'][number]): unknown {
  try {
    return step[0] === 'open' ? files.open(step[1]) : files.read(step[1], step[2], step[3])
  } catch (error) {
    if (error instanceof FileTrouble) return `trouble: ${error.message}`
    if (error instanceof GuestFault) return `${error.kind}: ${error.message}`
    throw error
  }
}
