/**
 * One wallet that floods one process over many connections, in a program of its own so that it does not delay whoever measures beside it:
 * `node bench/flooder.ts <url> <process> <messages>`. Signs its messages first, says `ready`, begins at the first byte of input, ends when the
 * input ends; then it prints how many messages were taken and how many refused.
 */
import { onePort, prepare } from './ao-client.ts'
import { createSigner } from './items.ts'
import { runLoad } from './load.ts'

const CONNECTIONS = 64
const [url = '', target = '', count = '0'] = process.argv.slice(2)
const messages = (await prepare(onePort(url), await createSigner('ed25519'), [target], Number(count))).values()
process.stdout.write('ready\n')
let isOver = false
await new Promise((resolve) => process.stdin.once('data', resolve))
process.stdin.once('end', () => {
  isOver = true
})
const { requests, failures, seconds } = await runLoad({
  url,
  connections: CONNECTIONS,
  next: () => (isOver ? null : (messages.next().value?.post ?? null)),
})
process.stdout.write(JSON.stringify({ taken: requests - failures, refused: failures, seconds }))
process.exit(0)
