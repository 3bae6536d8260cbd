import { afterAll, beforeAll, describe } from 'vitest'
import { type AoCoreServer, startAoCore } from './ao-core-server.ts'
import { transcriptTests } from './ao-core-transcripts.ts'

describe('what HyperBEAM replied (ao-core-http.json), from memory', () => {
  let server: AoCoreServer
  beforeAll(async () => {
    server = await startAoCore()
  })
  afterAll(() => server.stop())
  transcriptTests(() => server.port, {
    'root-redirect': {
      why: 'AO-Core has nothing there: the page is another surface of the node',
      status: 400,
      body: /^Request type not found\.$/,
    },
    'unknown-id': {
      why: 'every result that is no message is named by ao-result, which the reference forgets here',
      status: 404,
      body: /"ao-result":"body",.*"body":"not_found"/,
    },
  })
})
