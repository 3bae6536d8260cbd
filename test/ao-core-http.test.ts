import { afterAll, beforeAll, describe } from 'vitest'
import { type AoCoreServer, startAoCore } from './ao-core-server.ts'
import { transcriptTests } from './ao-core-transcripts.ts'

describe('what HyperBEAM replied (ao-core-http.json), from memory', () => {
  let server: AoCoreServer
  beforeAll(async () => {
    server = await startAoCore()
  })
  afterAll(() => server.stop())
  transcriptTests(() => server.port)
})
