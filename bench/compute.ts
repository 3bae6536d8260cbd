/** The compute engine: every guest, hot and cold, against the programs that people run today and against the limit of the language. */
import { benchAosModules } from './compute-aos.ts'
import { benchJs } from './compute-js.ts'
import { benchLua } from './compute-lua.ts'
import { benchState } from './compute-state.ts'
import type { Row, Scale } from './table.ts'

export async function benchCompute(scale: Scale): Promise<Row[]> {
  return [...(await benchAosModules(scale)), ...(await benchLua(scale)), ...(await benchJs(scale)), ...(await benchState(scale))]
}
