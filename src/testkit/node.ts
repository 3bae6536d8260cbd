/** A whole permaweb in this process, for tests: a real node on a free port with its data in a temporary folder. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../base/clock.ts'
import { type Log, silentLog } from '../base/log.ts'
import { type Config, loadConfig } from '../cli/config.ts'
import type { UnitUrls } from '../http/unit-ports.ts'
import type { Device } from '../kernel/device.ts'
import { openNode } from '../node.ts'

export interface TestNode {
  readonly url: string
  /** Null unless the units were asked to have ports of their own. */
  readonly unitUrls: UnitUrls | null
  readonly folder: string
  /** GET /info. */
  info(): Promise<TestInfo>
  /** Stops and starts again on the same data; the url changes. */
  restart(): Promise<TestNode>
  /** Stops and deletes the data. */
  stop(): Promise<void>
}

export interface TestInfo {
  readonly network: string
  readonly height: number
  readonly current: string
  readonly heddle: {
    readonly modules: { readonly default: string }
    readonly units: { readonly scheduler: string; readonly authority: string }
    readonly unitUrls?: UnitUrls
  }
}

export type TestOptions = Partial<
  Pick<
    Config,
    | 'seal'
    | 'sealMs'
    | 'bundleMs'
    | 'workers'
    | 'unitPorts'
    | 'upstream'
    | 'publicUrl'
    | 'aliases'
    | 'operator'
    | 'aoOptions'
    | 'aoCacheBytes'
  >
> & {
  readonly log?: Log
  /** What time it is for the node; that of the system when left out. */
  readonly clock?: Clock
  /** Devices of AO-Core besides those that every node has. */
  readonly devices?: readonly Device[]
}

export async function startTestNode(options: TestOptions = {}): Promise<TestNode> {
  return open(await mkdtemp(join(tmpdir(), 'heddle-test-')), options)
}

async function open(folder: string, { log = silentLog, clock = systemClock, devices = [], ...settings }: TestOptions): Promise<TestNode> {
  const config = loadConfig({ bundleMs: 20, workers: 1, ...settings, port: 0, data: folder }, {}, folder)
  const node = await openNode(config, { log, clock, devices })
  return {
    url: node.url,
    unitUrls: node.unitUrls,
    folder,
    info: async () => (await fetch(`${node.url}/info`)).json() as Promise<TestInfo>,
    async restart() {
      await node.stop()
      return open(folder, { log, clock, devices, ...settings })
    },
    async stop() {
      await node.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
