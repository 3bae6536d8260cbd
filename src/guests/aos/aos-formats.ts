/** The Module-Formats that are aos modules, each with what is its own: the dialect of its binaries, and whether it reports gas of AO's first network. */
import type { GuestHost, GuestLimits, GuestModule, GuestProgram } from '../guest.ts'
import { type AosFormat, prepareAosProgram } from './aos-program.ts'
import { emscripten } from './dialect.ts'
import { letters, oldNames, withMain } from './legacy-dialects.ts'

type PrepareProgram = (module: GuestModule, limits: GuestLimits, host: GuestHost) => GuestProgram

const FORMATS: Readonly<Record<string, AosFormat>> = {
  'wasm32-unknown-emscripten': { dialect: letters, legacyGas: 'import' },
  'wasm32-unknown-emscripten2': { dialect: oldNames, legacyGas: 'import' },
  'wasm32-unknown-emscripten3': { dialect: withMain, legacyGas: 'import' },
  'wasm32-unknown-emscripten4': { dialect: emscripten, legacyGas: 'import' },
  'wasm32-unknown-emscripten-metering': { dialect: emscripten, legacyGas: 'table' },
  'wasm64-unknown-emscripten-draft_2024_02_15': { dialect: emscripten, legacyGas: 'import' },
  'wasm64-unknown-emscripten-draft_2024_10_16-metering': { dialect: emscripten, legacyGas: 'table' },
}

export const AOS_FORMATS: readonly (readonly [format: string, prepare: PrepareProgram])[] = Object.entries(FORMATS).map(
  ([name, format]) => [name, (module, limits, host) => prepareAosProgram(module, limits, host, format)] as const,
)
