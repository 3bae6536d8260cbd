/** What a JavaScript process may rely on, and what it cannot do. */
import { describe, expect, it } from 'vitest'
import { id, JsProcess, jsProgram, LIMITS, MODULE, PROCESS, spawnJs, TIMESTAMP } from '../../../test/js-process.ts'
import type { GuestMessage } from '../guest.ts'
import { ImageBuffer } from '../wasm/state-image.ts'

const RAW_ECHO = 'export const handle = (msg) => ({ Output: msg })'
const counter = jsProgram(`import { on } from 'heddle/process'
let count = 0
on('Count', () => String(++count))
on('Fail', () => { count += 100; throw new Error('on purpose') })
on('Grow', () => { globalThis.kept = new Uint8Array(3e6).fill(7); count += 1 })
on('GrowAndFail', () => { globalThis.lost = new Uint8Array(9e6).fill(7); throw new Error('on purpose') })`)
const process = (): JsProcess => new JsProcess(counter.spawn(PROCESS, { ...env }))
const env = { Process: { Id: PROCESS, Owner: id('owner'), Tags: [] }, Module: { Id: MODULE, Owner: id('author'), Tags: [] } }

function countOf(one: JsProcess): string {
  return (one.act('Count').result.Messages[0] as { Data: string }).Data
}

describe('values across the border', () => {
  it('a message arrives as AO units give it', () => {
    const message = {
      Id: id('message'),
      Data: 'Grüße \u{1f30d}',
      Tags: [
        { name: 'Action', value: 'Grüße' },
        { name: 'Action', value: '' },
      ],
      'Hash-Chain': null,
      Missing: undefined,
      Cron: false,
      Float: 1.5,
      Deep: { list: [1, [2, {}]], __proto__: { no: 1 } },
    }
    const { Output } = spawnJs(RAW_ECHO).send(message).result
    expect(Output).toMatchObject({ Id: message.Id, Data: message.Data, Tags: message.Tags, 'Hash-Chain': null, Cron: false, Float: 1.5 })
    expect(Output).toHaveProperty('Deep.list', [1, [2, {}]])
    expect(Output).not.toHaveProperty('Missing')
  })

  it('every byte survives, both ways, small and large, at any depth', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const large = new Uint8Array(300_000).map((_, at) => (at * 31) ^ (at >> 8))
    const echo = spawnJs(RAW_ECHO)
    for (const Data of [all, large, 'a\0b', '\ufeffmark', 'x'.repeat(100_000)])
      expect(echo.send({ Data, Deep: [{ Data }] }).result.Output).toMatchObject({ Data, Deep: [{ Data }] })
    const reply = spawnJs(`import { on } from 'heddle/process'; on('E', (msg) => ({ data: msg.data, tags: { Text: typeof msg.data } }))`)
    for (const Data of [all, large, 'a\0b', '\ufeffmark', 'x'.repeat(100_000)])
      expect(reply.act('E', {}, { Data }).result.Messages, String(Data).slice(0, 10)).toMatchObject([{ Data }])
  })

  it('tags with NUL, without fields, or none at all reach handlers as well', () => {
    const seen = spawnJs(`import { on } from 'heddle/process'
      on(() => true, (msg) => ({ data: [msg.id, msg.action, msg.data, msg.tagList, msg.nonce] }))`)
    const dataOf = (message: object): unknown => JSON.parse((seen.send({ ...message }).result.Messages[0] as { Data: string }).Data)
    expect(dataOf({ Id: id('a'), Tags: { Action: 'a\0b' } })).toEqual([id('a'), 'a\0b', ' ', [{ name: 'Action', value: 'a\0b' }], 1])
    expect(dataOf({ Id: id('b'), Data: undefined })).toEqual([id('b'), null, '', [], 2])
    expect(dataOf({ Id: undefined, Tags: { Action: '' } })).toEqual([null, '', ' ', [{ name: 'Action', value: '' }], 3])
  })

  it('results keep what JSON can say, bytes and bigints', () => {
    const handle = (body: string): unknown => spawnJs(`export function handle() { return { Output: ${body} } }`).send().result.Output
    expect(handle('{ a: [1, 2.5, "x", null, true], n: 12345678901234567890n, b: new Uint8Array([1, 255]), u: undefined }')).toEqual({
      a: [1, 2.5, 'x', null, true],
      n: '12345678901234567890',
      b: new Uint8Array([1, 255]),
    })
    expect(handle('[NaN, -0, 1e300, new Date(0), { "\\0bytes": 5 }]')).toEqual([
      null,
      0,
      1e300,
      '1970-01-01T00:00:00.000Z',
      { '\0bytes': 5 },
    ])
    expect(handle('[new Uint8Array([128]), { "\\0bytes": 5 }]')).toEqual([new Uint8Array([128]), null])
    expect(handle('undefined')).toBe('')
  })

  it.each([
    ['5', /handle returned 5, expected an object/],
    ['{ Messages: "no" }', /Messages is no, expected an array/],
    ['(() => { const a = {}; a.a = a; return { Output: a } })()', /circular/],
    ['{ Output: "x".repeat(2e6) }', /larger than 1048576 bytes/],
    ['(() => { let a = []; for (let i = 0; i < 150; i++) a = [a]; return { Output: a } })()', /nests deeper than 100/],
    ['{ Error: "told" }', /told/],
  ])('refuses the result %s', (value, problem) => {
    const { ok, result } = spawnJs(`export function handle() { return ${value} }`).send()
    expect(ok).toBe(false)
    expect(result.Error).toMatch(problem)
    expect(result.Messages).toEqual([])
  })
})

describe('the same everywhere', () => {
  it('has the time of the message and no other', () => {
    const one = spawnJs('')
    expect(one.run('[Date.now(), new Date().getTime(), new Date().toISOString()]')).toBe(
      `[${TIMESTAMP + 1}, ${TIMESTAMP + 1}, '${new Date(TIMESTAMP + 1).toISOString()}']`,
    )
    expect(one.run('[new Date(0).getTimezoneOffset(), new Date(2020, 6, 1).toISOString(), String(new Date(0))]')).toBe(
      "[0, '2020-07-01T00:00:00.000Z', 'Thu Jan 01 1970 00:00:00 GMT+0000']",
    )
    expect(one.run('const t = Date.now(); let i = 0; while (i < 1e5) i++; Date.now() - t')).toBe('0')
  })

  it('draws the same numbers for the same process and message, others for others', () => {
    const draw = (name: string, message: string): unknown =>
      spawnJs(`import { on } from 'heddle/process'; on('Draw', () => [Math.random(), Math.random()].join())`, id(name)).send({
        Id: id(message),
        Target: id(name),
        Tags: { Action: 'Draw' },
      }).result.Messages
    expect(draw('one', 'm')).toEqual(draw('one', 'm'))
    const drawn = [draw('one', 'm'), draw('two', 'm'), draw('one', 'n')].map((messages) => (messages as { Data: string }[])[0]?.Data)
    expect(new Set(drawn).size).toBe(3)
    const numbers = spawnJs('').run('Array.from({ length: 1000 }, Math.random).map((x) => Math.floor(x * 10)).join("")') as string
    expect(numbers).toMatch(/^\d{1000}$/)
    for (const digit of '0123456789') expect(numbers.split(digit).length, digit).toBeGreaterThan(60)
  })

  it.each([
    ...['WeakRef', 'FinalizationRegistry', 'performance', 'SharedArrayBuffer', 'Atomics', 'setTimeout', 'setInterval', 'fetch', 'require'],
    ...['process', 'Intl', 'navigator', 'crypto', 'std', 'os', 'WebAssembly', 'heddle', 'gc', 'print', 'scriptArgs'],
  ])('has no %s', (name) => {
    expect(spawnJs('').run(`typeof ${name}`)).toBe('undefined')
  })

  it('uses the same gas and comes to the same state in every instance', () => {
    const work = (one: JsProcess): unknown[] => {
      const gas = ['Count', 'Grow', 'Fail', 'Count'].map((action) => one.send({ Tags: { Action: action } }).gasUsed)
      one.run('globalThis.map = new Map(Array.from({ length: 500 }, (_, i) => [Math.random(), i])); JSON.parse("[1,2]").length')
      return [...gas, one.hash()]
    }
    const first = work(process())
    expect(work(process())).toEqual(first)
    expect(first[0]).toBeGreaterThan(1000)
  })
})

describe('failures', () => {
  const failing = jsProgram(`import { on } from 'heddle/process'
    let kept = 0
    on('Loop', () => { kept = 1; for (;;) {} })
    on('CaughtLoop', () => { for (;;) try { for (;;) {} } catch {} })
    on('RegExp', () => { kept = 1; /^(a+)+$/.test('a'.repeat(40) + 'b') })
    on('Jobs', () => { kept = 1; const again = () => Promise.resolve().then(again); again() })
    on('Memory', () => { kept = []; for (;;) kept.push(new Uint8Array(1e5)) })
    on('CaughtMemory', () => { try { const all = []; for (;;) all.push(new Uint8Array(1e6)) } catch (error) { return String(error) } })
    on('Huge', () => { kept = 'x'.repeat(2 ** 29) })
    on('Deep', () => { kept = 1; const down = () => 1 + down(); down() })
    on('Throw', () => { kept = 1; throw new TypeError('no', { cause: new Error('because') }) })
    on('Text', () => { kept = 1; throw 'plain text' })
    on('Nothing', () => { kept = 1; throw undefined })
    on('Odd', () => { kept = 1; throw { get message() { throw 1 }, stack: 1, name: 'x' } })
    on('Async', async () => { kept = 1; await null; throw new Error('later') })
    on('Stray', () => { kept = 1; Promise.reject(new Error('stray')) })
    on('Micro', () => { kept = 1; queueMicrotask(() => { throw new Error('micro') }) })
    on('Never', async () => { kept = 1; await new Promise(() => {}) })
    on('Handled', async () => { const p = Promise.reject(new Error('x')); await null; await p.catch(() => {}); return 'handled' })
    on('Kept', () => String(kept))`)

  it.each([
    ['Loop', 'gas', /^out of gas: limit 50000000$/],
    ['CaughtLoop', 'gas', /^out of gas/],
    ['RegExp', 'gas', /^out of gas/],
    ['Jobs', 'gas', /^out of gas/],
    ['Memory', 'memory', /out of memory \(limit 67108864 bytes\)\n {4}at <anonymous> \(module\.js:7:/],
    ['Huge', 'memory', /^InternalError: out of memory/],
    ['Deep', 'stack', /Maximum call stack size exceeded/],
    [
      'Throw',
      'error',
      /^TypeError: no\n {4}at <anonymous> \(module\.js:11:\d+\)\n {2}caused by Error: because\n {4}at <anonymous> \(module/,
    ],
    ['Text', 'error', /^uncaught plain text$/],
    ['Nothing', 'error', /^uncaught undefined$/],
    ['Odd', 'error', /cannot be shown/],
    ['Async', 'error', /^Error: later\n {4}at <anonymous> \(module\.js:15:/],
    ['Stray', 'error', /^Error: stray/],
    ['Micro', 'error', /^Error: micro/],
    ['Never', 'error', /a promise never settles/],
  ])('%s: a %s fault, and nothing of the message is left', (action, kind, problem) => {
    const one = new JsProcess(failing.spawn(PROCESS, env))
    one.act('Kept')
    const before = one.hash()
    const { ok, failure, result, gasUsed } = one.send({ Tags: { Action: action } })
    expect({ ok, failure }).toEqual({ ok: false, failure: kind })
    expect(result.Error).toMatch(problem)
    expect(result.Messages).toEqual([])
    expect(gasUsed).toBeGreaterThan(0)
    expect(one.hash()).toBe(before)
    expect(one.act('Kept').result.Messages).toMatchObject([{ Data: '0' }])
  })

  it('results and errors have a size', () => {
    const one = spawnJs(`import { on, send } from 'heddle/process'
      on('Text', (msg) => 'x'.repeat(msg.tag('N'))); on('Bytes', (msg) => new Uint8Array(+msg.tag('N'))); on('NUL', (msg) => '\\0'.repeat(msg.tag('N')))
      on('Error', (msg) => { throw new Error('x'.repeat(msg.tag('N'))) }); on('Many', (msg) => { for (let i = 0; i < +msg.tag('N'); i++) send({ target: 'x' }) })`)
    for (const Action of ['Text', 'Bytes', 'NUL', 'Many'])
      for (const N of ['9000000', '30000000'])
        expect(one.send({ Tags: { Action, N } }).result.Error, Action).toMatch(/larger than 1048576 bytes|out of (gas|memory)/)
    expect((one.send({ Tags: { Action: 'Error', N: '9000000' } }).result.Error as string).length).toBeLessThan(20_000)
    expect(one.act('Text', { N: '1000000' }).result.Messages).toHaveLength(1)
    expect(one.act('NUL', { N: '100000' }).result.Messages).toHaveLength(1)
    expect(one.act('Many', { N: '1000' }).result.Messages).toHaveLength(1000)
  })

  it('a program may catch running out of memory, and goes on', () => {
    const one = new JsProcess(failing.spawn(PROCESS, env))
    expect(one.act('CaughtMemory').result.Messages).toMatchObject([{ Data: 'InternalError: out of memory' }])
    expect(one.act('Handled').result.Messages).toMatchObject([{ Data: 'handled' }])
  })

  it.each([
    ['export default (', /does not start: SyntaxError: .*\n {4}at .*module\.js:1/],
    ['null.x', /does not start: TypeError/],
    ['await new Promise(() => {})', /a promise never settles/],
    ['for (;;) {}', /out of gas/],
    ['import "./other.js"', /could not load module.*other\.js/],
    ['import { nothing } from "heddle/process"', /nothing/],
    ['import { ao } from "heddle/process"; ao.id', /gets known with its first message/],
    ['const a = []; for (;;) a.push(new Uint8Array(1e6))', /out of memory/],
    ['{"main": "a.js", "files": {}}', /lack "a.js"/],
    ['{"main": "a.js", "files": {"a.js": "", "../b.js": ""}}', /"\.\.\/b\.js" is not/],
    ['{"files": []}', /no "main"/],
    ['{"main": "a.js", "files": {"a.js": "", "heddle/x.js": ""}}', /"heddle\/x\.js" is not/],
    ['import { host } from "heddle/host.js"', /could not load module.*heddle\/host\.js/],
    ['if (typeof heddle !== "undefined") throw new Error("internals")\nthrow new Error("none")', /Error: none/],
  ])('refuses the module %s', (source, problem) => {
    expect(() => jsProgram(source)).toThrow(problem)
  })

  it.each([
    `Array.prototype.join = () => '5\\0'`,
    `Array.prototype.join = function () { return this.length > 9 ? 'a\\0'.repeat(this.length) : '' }`,
    `const { push } = Array.prototype; Array.prototype.push = function (...all) { return push.apply(this, all.map((one) => one || '9999')) }`,
    `String.prototype.split = () => []`,
    `Uint8Array.prototype.slice = () => ({ length: 1e9 })`,
    `JSON.stringify = () => '{'; Object.prototype.toJSON = () => 5`,
    `Promise.prototype.then = null; Promise = null; Map.prototype.set = null; Error = null`,
    `Object.defineProperty(Array.prototype, '0', { set() {}, get() { return 'm' } })`,
  ])('a program that spoils its own language hurts itself only: %s', (source) => {
    const handlers = `import { on, send } from 'heddle/process'; on('Go', async (msg) => { send({ target: 'x', data: new Uint8Array(3) }); return 'x' })`
    const one = spawnJs(`${handlers}\non('Spoil', () => { ${source} })`)
    for (const action of ['Spoil', 'Go', 'Other']) expect(typeof one.send({ Tags: { Action: action } }).ok, action).toBe('boolean')
  })

  it('refuses a module that is no text, and a limit too small for the interpreter', () => {
    expect(() => jsProgram('1', { ...LIMITS, memoryBytesMax: 1024 * 1024 })).toThrow(
      expect.objectContaining({ code: 'module-unsupported' }),
    )
    expect(() => jsProgram('1', { ...LIMITS, memoryBytesMax: 20 * 65_536 })).toThrow(/out of memory/)
  })
})

describe('state', () => {
  it('a failed message and a dry run leave every byte as it was, whatever they grew', () => {
    const one = process()
    one.act('Count')
    const image = (): Buffer => Buffer.from(one.instance.capture(new ImageBuffer()).bytes)
    const before = image()
    for (const action of ['Fail', 'GrowAndFail', 'Fail']) expect(one.send({ Tags: { Action: action } }).ok, action).toBe(false)
    for (const action of ['Count', 'Grow', 'Fail']) one.dryRun({ Tags: { Action: action } })
    expect(image().equals(before)).toBe(true)
    expect(countOf(one)).toBe('2')
  })

  it('a thawed process continues exactly as the one that was frozen', () => {
    const one = process()
    for (const action of ['Count', 'Grow', 'Count']) one.act(action)
    const other = new JsProcess(counter.thaw(one.instance.snapshot(), env), 3)
    expect(other.hash()).toBe(one.hash())
    for (let i = 0; i < 3; i++) expect(countOf(other)).toBe(countOf(one))
    expect([other.hash(), other.instance.gasUsed]).toEqual([one.hash(), one.instance.gasUsed])
  })

  it('what failed, was tried, or slept on disk makes no difference to it', () => {
    const actions = ['Count', 'Fail', 'Count', 'Grow', 'GrowAndFail', 'Count', 'Fail', 'Nothing', 'Count', 'Eval']
    const messageOf = (index: number): GuestMessage => ({
      ...{ Id: id(`f${index}`), Timestamp: TIMESTAMP + index, Nonce: index },
      Data: `globalThis.seen = [...(globalThis.seen ?? []), Math.random(), new Map([[${index}, {}]])]`,
      Tags: { Action: actions[(index * 7 + (index >> 2)) % actions.length] ?? '' },
    })
    const [plain, eventful] = [process(), process()]
    let asleep = process()
    for (let index = 0; index < 60; index++) {
      const { ok, gasUsed } = eventful.send(messageOf(index))
      eventful.dryRun(messageOf(index * 13))
      if (!ok) continue
      expect(plain.send(messageOf(index)).gasUsed, `message ${index}`).toBe(gasUsed)
      expect(asleep.send(messageOf(index)).gasUsed, `message ${index}`).toBe(gasUsed)
      if (index % 10 === 0) asleep = new JsProcess(counter.thaw(asleep.instance.snapshot(), env))
    }
    expect([eventful.hash(), asleep.hash()]).toEqual([plain.hash(), plain.hash()])
  })

  it('what waits for an answer is part of it', () => {
    const asking = jsProgram(`import { on, send } from 'heddle/process'
      on('Ask', async (msg) => {
        const sent = send({ target: msg.tag('Whom'), action: 'Question' })
        const answer = await sent.answer()
        return { data: 'they say ' + answer.text, tags: { Of: msg.id } }
      })`)
    const one = new JsProcess(asking.spawn(PROCESS, env))
    const whom = id('whom')
    const asked = one.act('Ask', { Whom: whom })
    expect(asked.result.Messages).toMatchObject([{ Target: whom }])
    const reference = (asked.result.Messages[0] as { Tags: { name: string; value: string }[] }).Tags.find(
      ({ name }) => name === 'Reference',
    )
    const thawed = new JsProcess(asking.thaw(one.instance.snapshot(), env), 1)
    const answer = { From: whom, Owner: whom, Data: 'yes', Tags: { 'X-Reference': reference?.value ?? '' } }
    for (const process of [one, thawed]) {
      expect(process.send({ ...answer, From: id('else'), Owner: id('else') }).result.Messages).toEqual([])
      expect(process.send({ Tags: { Action: 'Other' } }).result.Messages).toEqual([])
      expect(process.send(answer).result.Messages).toMatchObject([{ Target: id('owner'), Data: 'they say yes' }])
      expect(process.send(answer).result.Messages).toEqual([])
    }
    expect(thawed.hash()).toBe(one.hash())
  })

  it('several files are one program', () => {
    const one = spawnJs({
      'main.ts': `import { on } from 'heddle/process'; import { add } from './lib/math.ts'; on('Add', (msg) => String(add(2)))`,
      'lib/math.ts': `import { start } from '../start.js'; let sum = start\nexport function add(n) {\n  if (sum > 4) throw new Error('full')\n  return sum += n\n}`,
      'start.js': 'export const start = 1',
    })
    expect([one, one].map((same) => (same.act('Add').result.Messages[0] as { Data: string }).Data)).toEqual(['3', '5'])
    expect(one.send({ Tags: { Action: 'Add' } }).result.Error).toMatch(
      /^Error: full\n {4}at add \(lib\/math\.ts:3:\d+\)\n {4}at <anonymous> \(main\.ts:1:/,
    )
    expect(one.run('const { add } = await import("./lib/math.ts"); typeof add')).toBe('function')
    expect(one.error('await import("./nothing.ts")')).toMatch(/could not load module/)
  })
})
