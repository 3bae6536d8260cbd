/** Milliseconds of messages to an aos process in our host: `node bench/compute-own.ts <wasm64|wasm32> <eval|transfer|heavy> <count>`. */
import { type Bits, hotTimes, type Work } from './compute-aos.ts'

const [bits = '', work = '', count = '0'] = process.argv.slice(2)
process.stdout.write(JSON.stringify(hotTimes(bits as Bits, work as Work, Number(count))))
