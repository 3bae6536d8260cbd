import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { loadConfig } from '../../src/cli/config.ts'
import { type HeddleNode, openNode } from '../../src/node.ts'
import { transcriptTests } from '../ao-core-transcripts.ts'
import { vectorKeys } from '../ao-core-vectors.ts'

describe('what HyperBEAM replied (ao-core-http.json), by a whole node', () => {
  let folder: string
  let node: HeddleNode
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'heddle-ao-core-'))
    const identity = join(folder, 'key-1.json')
    await writeFile(identity, JSON.stringify(vectorKeys['key-1']))
    const config = loadConfig({ workers: 1, port: 0, data: folder, identity }, {}, folder)
    node = await openNode(config, { log: silentLog, clock: systemClock })
  })
  afterAll(async () => {
    await node.stop()
    await rm(folder, { recursive: true, force: true })
  })
  transcriptTests(() => Number(new URL(node.url).port), {
    'root-redirect': {
      why: 'there is the network info of Arweave, for browsers the page of the node',
      status: 200,
      body: /^\{"network":"/,
    },
    'unknown-id': {
      why: "a plain GET of an id is the gateway's, and this is none: its last bits are no zeros",
      status: 400,
      body: /^Invalid ID/,
    },
  })
})
