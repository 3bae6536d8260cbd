import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import { meterModule } from '../wasm/meter.ts'
import {
  LUA_BINARY_SHA256,
  LUA_BINARY_STACK_BYTES,
  LUA_CONSTANTS_END,
  LUA_EXPORTS,
  LUA_HEAP_END_ADDRESS,
  LUA_IMPORT_MODULE,
  LUA_IMPORTS,
  LUA_STACK_BYTES,
  LUA_STACK_POINTER,
  readLuaBinary,
} from './lua-binary.ts'
import { LuaEngine, luaModule } from './lua-engine.ts'

const require = createRequire(import.meta.url)
const glue = readFileSync(require.resolve('lua-wasm-bindings/dist/glue/glue-lua-5.3.6.js'), 'utf8')

/** Names as the package's own glue has them: `_lua_settop`, `___sys_open`, `stackSave`. */
function plain(name: string): string {
  return name.replace(/^_+/, '').replace(/^emscripten_/, '')
}

describe('the tables follow the installed package', () => {
  it('is the binary that they were made for', () => {
    expect(toHex(sha256(readLuaBinary()))).toBe(LUA_BINARY_SHA256)
  })

  it('import letters', () => {
    const text = /asmLibraryArg=\{([^}]*)\}/.exec(glue)?.[1] ?? ''
    const letters = Object.fromEntries([...text.matchAll(/"(\w)":(\w+)/g)].map(([, letter, name]) => [letter, plain(name!)]))
    expect(letters).toEqual(LUA_IMPORTS)
    const imports = WebAssembly.Module.imports(luaModule())
    expect(imports.map(({ module, name }) => [module, name])).toEqual(
      Object.keys(letters)
        .sort(byLetter)
        .map((name) => [LUA_IMPORT_MODULE, name]),
    )
  })

  it('export letters', () => {
    const letters = new Map(
      [...glue.matchAll(/var (\w+)=Module\["\w+"\]=asm\["([\w$]+)"\]/g)].map(([, name, letter]) => [plain(name!).toLowerCase(), letter]),
    )
    const cNames = {
      callConstructors: 'wasm_call_ctors',
      setTop: 'lua_settop',
      copy: 'lua_copy',
      pushValue: 'lua_pushvalue',
      toLString: 'lua_tolstring',
      pcallK: 'lua_pcallk',
      loadString: 'lual_loadstring',
      newState: 'lual_newstate',
      openLibs: 'lual_openlibs',
      stackSave: 'stacksave',
      stackRestore: 'stackrestore',
      stackAlloc: 'stackalloc',
      setThrew: 'setthrew',
      malloc: 'malloc',
    }
    const { memory, table, ...functions } = LUA_EXPORTS
    expect(functions).toEqual(Object.fromEntries(Object.entries(cNames).map(([name, c]) => [name, letters.get(c)])))
    expect(glue).toContain(`wasmMemory=Module["asm"]["${memory}"]`)
    expect(glue).toContain(`wasmTable=Module["asm"]["${table}"]`)
  })

  it('memory: constants, then the stack, then the heap', () => {
    const module = new WebAssembly.Module(meterModule(readLuaBinary(), { module: 'lua', memoryBytesMax: 2 ** 31, gas: 2n ** 60n }).bytes)
    const noImports = Object.fromEntries(Object.keys(LUA_IMPORTS).map((letter) => [letter, () => 0]))
    const raw = new WebAssembly.Instance(module, { [LUA_IMPORT_MODULE]: noImports }).exports
    const words = new Uint32Array((raw[LUA_EXPORTS.memory] as WebAssembly.Memory).buffer)
    const stackTop = LUA_CONSTANTS_END + LUA_BINARY_STACK_BYTES
    expect((raw[`heddle.global.${LUA_STACK_POINTER}`] as WebAssembly.Global<'i32'>).value).toBe(stackTop)
    expect(words[LUA_HEAP_END_ADDRESS >>> 2]).toBe(stackTop)
  })

  it('the host moves stack and heap down', () => {
    const engine = new LuaEngine(64 * 1024 * 1024)
    const { exports, stackTop } = engine
    expect(stackTop).toBe(LUA_CONSTANTS_END + LUA_STACK_BYTES)
    exports.callConstructors()
    const block = exports.malloc(1_000_000)
    expect(block).toBeGreaterThanOrEqual(stackTop)
    expect(block).toBeLessThan(stackTop + 1000)
    expect(engine.heapEnd).toBeGreaterThanOrEqual(block + 1_000_000)
    const stack = exports.stackAlloc(1000)
    expect(stack).toBeLessThanOrEqual(stackTop - 1000)
    engine.bytes.fill(1, stack, stackTop)
    engine.clearStack()
    expect(engine.bytes.subarray(LUA_CONSTANTS_END, stackTop).every((byte) => byte === 0)).toBe(true)
    expect(exports.stackSave()).toBe(stackTop)
  })

  it('notices when the stack grows over the constants', () => {
    const engine = new LuaEngine(64 * 1024 * 1024)
    expect(engine.hasStackOverflow).toBe(false)
    engine.exports.stackAlloc(LUA_STACK_BYTES)
    expect(engine.hasStackOverflow).toBe(true)
  })
})

function byLetter(a: string, b: string): number {
  const order = (letter: string): number => letter.charCodeAt(0) + (letter < 'a' ? 100 : 0)
  return order(a) - order(b)
}
