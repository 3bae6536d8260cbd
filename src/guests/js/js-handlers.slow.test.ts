/** The programming model of heddle/process: handlers, messages in and out, Eval. */
import { afterAll, describe, expect, it } from 'vitest'
import { envOf, id, JsProcess, jsProgram, OWNER, PROCESS, spawnJs, TIMESTAMP, tagsOf } from '../../../test/js-process.ts'
import { utf8 } from '../../base/bytes.ts'
import { silentLog } from '../../base/log.ts'
import type { Evaluation } from '../guest.ts'
import { createGuestPool } from '../guest-pool.ts'
import { JS_FORMAT } from './js-source.ts'

const IMPORT = `import { acceptAssignments, ao, assign, inspect, off, on, onSpawn, receive, send, spawn } from 'heddle/process'\n`
const withApi = (source: string, process = PROCESS): ReturnType<typeof spawnJs> => spawnJs(IMPORT + source, process)
const dataOf = ({ result }: Evaluation): unknown => (result.Messages[0] as { Data?: unknown } | undefined)?.Data
const printed = ({ result }: Evaluation): unknown => (result.Output as { data: unknown }).data

describe('handlers', () => {
  it('the first that matches wins, and the same pattern again replaces it', () => {
    const one = withApi(
      `on('A', () => 'first'); on('B', () => 'b'); on(() => true, () => 'any'); on('C', () => 'never'); on('A', () => 'second')`,
    )
    expect(['A', 'B', 'C', ''].map((action) => dataOf(one.act(action)))).toEqual(['second', 'b', 'any', 'any'])
    expect(one.run(`[off('A'), off('A')]`)).toBe('[true, false]')
    expect(dataOf(one.act('A'))).toBe('any')
  })

  it('knows an equal pattern by what it holds', () => {
    const one = withApi(`on({ A: /x/, B: true }, () => 'old'); on((msg) => msg.tags.F, () => 'one'); on((msg) => msg.tags.F, () => 'two')
      on({ A: /x/, B: true }, () => 'new'); on({ A: /x/ }, () => 'less')`)
    expect(dataOf(one.send({ Tags: { A: 'x', B: '' } }))).toBe('new')
    expect(dataOf(one.send({ Tags: { A: 'x' } }))).toBe('less')
    expect(dataOf(one.send({ Tags: { F: '1' } }))).toBe('one')
    expect(one.run('[off({ B: true, A: /x/ }), off({ A: /y/ })]')).toBe('[true, false]')
  })

  it.each([
    [`{ Action: 'T', Quantity: /^\\d+$/ }`, { Action: 'T', Quantity: '12' }, { Action: 'T', Quantity: 'x' }],
    [`{ Recipient: true, Cast: false }`, { Recipient: '' }, { Recipient: 'x', Cast: 'y' }],
    [`{ From: '${OWNER}', N: (n, msg) => n > 3 && msg.action === undefined }`, { N: '4' }, { N: '3' }],
    [`(msg) => msg.tags.Key?.startsWith('a')`, { Key: 'abc' }, { Other: 'abc' }],
    [`{ Data: /^hel/g }`, { X: '1' }, null],
  ])('the pattern %s', (pattern, yes: object, no: object | null) => {
    const one = withApi(`on(${pattern}, () => 'yes')`)
    for (let i = 0; i < 2; i++) expect(dataOf(one.send({ Data: 'hello', Tags: { ...yes } }))).toBe('yes')
    if (no !== null) expect(dataOf(one.send({ Data: 'hello', Tags: { ...no } }))).toBe(undefined)
  })

  it.each([
    ['on(5, () => {})', /a pattern is an action/],
    ['on({ A: 5 }, () => {})', /the pattern for A/],
    [`on('A', 'B')`, /the handler for A is not a function/],
    [`send('x')`, /send: a string given, expected an object with target/],
    [`send({ target: 5 })`, /target is a number, expected an id/],
    [`send({ target: 'x', Quantity: 5 })`, /send: unknown field "Quantity"; tags go into tags/],
    [`send({ target: 'x', tags: 5 })`, /tags is a number/],
    [`send({ target: 'x', tags: { F: () => {} } })`, /tag F is a function, which cannot leave/],
    [`assign({ processes: 'x', message: 'y' })`, /processes is a string, expected an array/],
    [`assign({ processes: [] })`, /message is undefined/],
    [`spawn({ modul: 'x' })`, /spawn: unknown field "modul"/],
    [`JSON.parse('{')`, /SyntaxError/],
  ])('says what is wrong with %s', (source, problem) => {
    expect(withApi('').error(source)).toMatch(problem)
  })

  it('what a handler returns is its reply, also later', () => {
    const one = withApi(`on('Text', () => 'text'); on('Bytes', () => new Uint8Array([0, 255])); on('Nothing', () => {})
      on('Fields', () => ({ action: 'Done', data: { a: 1n, b: [true] }, tags: [{ name: 'N', value: 5n }, { name: 'N', value: 'x' }] }))
      on('Later', async () => { await null; return 'late' }); on('Wrong', () => ({ Balance: 5 })); on('Number', () => 5)`)
    expect(['Text', 'Bytes', 'Nothing', 'Later'].map((action) => dataOf(one.act(action)))).toEqual([
      'text',
      new Uint8Array([0, 255]),
      undefined,
      'late',
    ])
    const { Data, Tags } = one.act('Fields').result.Messages[0] as { Data: string; Tags: object[] }
    expect(Data).toBe('{"a":"1","b":[true]}')
    expect(Tags.slice(4)).toEqual(
      [
        ['Action', 'Done'],
        ['N', '5'],
        ['N', 'x'],
        ['Content-Type', 'application/json'],
      ].map(([name, value]) => ({ name, value })),
    )
    expect(one.send({ Tags: { Action: 'Wrong' } }).result.Error).toMatch(/reply: unknown field "Balance"/)
    expect(one.send({ Tags: { Action: 'Number' } }).result.Error).toMatch(/reply: a number given/)
  })

  it('what nobody handles says so', () => {
    const one = withApi('')
    expect(printed(one.act('Nope'))).toBe('no handler for Action = Nope')
    expect(printed(one.send())).toBe('no handler for a message without Action')
  })
})

describe('messages in', () => {
  it('has everything at hand', () => {
    const one = withApi(`on('Look', (msg) => {
      console.log(msg.id, msg.from, msg.owner, msg.target, msg.action, msg.blockHeight, msg.nonce, msg.isCron, msg.isReadOnly, msg.anchor)
      console.log(msg.timestamp, msg.date, msg.text, msg.bytes.length, msg.json().a, msg.tags.X, 'toString' in msg.tags, msg.tag('X'), msg.find('Y'))
      console.log(msg.tagList, msg.raw.Id === msg.id, msg.raw.Tags.length, msg.raw['Hash-Chain'], msg.hashChain, msg.forwardedBy)
    })`)
    const extra = {
      Id: id('m'),
      Data: '{"a":[1]}',
      Anchor: 'anchor',
      'Hash-Chain': 'chain',
      Cron: true,
      'Read-Only': true,
      'Forwarded-By': 'by',
    }
    const at = TIMESTAMP + 1
    expect(printed(one.act('Look', { X: 'x' }, extra))).toBe(
      [
        `${id('m')} ${OWNER} ${OWNER} ${PROCESS} Look 7 1 true true anchor`,
        `${at} ${new Date(at).toISOString()} {"a":[1]} 9 [1] x false x undefined`,
        `[{ name: 'Action', value: 'Look' }, { name: 'X', value: 'x' }] true 2 chain chain by`,
      ].join('\n'),
    )
    expect(withApi(`on('J', (msg) => msg.json())`).send({ Tags: { Action: 'J' }, Data: 'x' }).result.Error).toMatch(
      /the data of the message is not JSON/,
    )
    expect(withApi(`on('T', (msg) => msg.tag('Q'))`).send({ Tags: { Action: 'T' } }).result.Error).toMatch(
      /^Error: the tag Q is missing\n {4}at <anon/,
    )
  })

  it('believes a process only through an authority', () => {
    const one = withApi(`on('A', (msg) => msg.from)`)
    const claimed = { Tags: { Action: 'A' }, From: id('process-b'), Owner: id('stranger') }
    expect(printed(one.send(claimed))).toBe(`Message is not trusted! From: ${id('process-b')} - Owner: ${id('stranger')}`)
    one.run(`ao.authorities.add('${id('stranger')}')`)
    expect(dataOf(one.send(claimed))).toBe(id('process-b'))
    const env = { ...envOf(), Process: { ...envOf().Process, Tags: [{ name: 'Authority', value: `${id('mu')}, ${id('stranger')}` }] } }
    const two = new JsProcess(jsProgram(`${IMPORT}on('A', (msg) => msg.from)`).spawn(PROCESS, env))
    expect(dataOf(two.send(claimed))).toBe(id('process-b'))
  })

  it('lets in what was addressed to others only when it is asked to', () => {
    const one = withApi(`on('A', (msg) => 'got it')`)
    const assigned = { Tags: { Action: 'A' }, Target: id('other') }
    const refused = one.send(assigned)
    expect([printed(refused), dataOf(refused)]).toEqual([
      `Assignment is not trusted! From: ${OWNER} - Owner: ${OWNER}`,
      'Assignment is not trusted by this process!',
    ])
    one.run(`acceptAssignments({ Target: '${id('other')}' })`)
    expect(dataOf(one.send(assigned))).toBe('got it')
  })

  it('runs onSpawn with the message that made the process, and its Data as Eval when On-Boot says so', () => {
    const one = withApi(`export let born = ''; onSpawn(async (msg) => { await null; born = ao.name + ao.owner + msg.tag('Type') })`)
    const boot = one.send({ Id: PROCESS, Tags: { Type: 'Process', 'On-Boot': 'Data' }, Data: 'globalThis.booted = born.length' })
    expect(boot.ok).toBe(true)
    expect(one.run('[born, booted]')).toBe(`['Tést${OWNER}Process', ${'Tést'.length + 43 + 7}]`)
  })

  it('receives the next message of a pattern, in the order of asking', () => {
    const one = withApi(
      `on('Wait', async () => { const a = await receive('X'); const b = await receive({ Action: 'X', N: '2' }); return a.id + b.id })`,
    )
    one.act('Wait')
    expect(one.act('X', {}, { Id: id('a') }).result.Messages).toEqual([])
    expect(printed(one.act('X', { N: '1' }))).toBe('no handler for Action = X')
    expect(dataOf(one.act('X', { N: '2' }, { Id: id('b') }))).toBe(id('a') + id('b'))
  })

  it('an error after waiting belongs to the message that it happened in', () => {
    const one = withApi(`export let n = 0; on('Wait', async () => { await receive('X'); n = 5; throw new Error('late') })`)
    one.act('Wait')
    expect(one.send({ Tags: { Action: 'X' } })).toMatchObject({ ok: false, result: { Error: expect.stringMatching(/^Error: late/) } })
    expect(one.run('n')).toBe('0')
    expect(one.send({ Tags: { Action: 'X' } }).ok).toBe(false)
  })
})

describe('messages out', () => {
  it('carry what AO messages carry', () => {
    const one = withApi(`on('Go', (msg) => {
      send({ target: 'T', action: 'A', data: 'd', tags: { Text: 't', Number: 1.5, Big: 10n, Yes: true, Object: { a: 1 }, Gone: undefined, Null: null } })
      send({ data: 7n }); send({ target: 'B', data: new Uint8Array([200]) }); send({ target: 'N', anchor: 'x'.repeat(32) })
      msg.reply({ tags: { K: 'v' } })
    })`)
    const [first, second, third, fourth, reply] = one.act('Go', { Reference: '77', 'X-Origin': 'far' }).result.Messages
    expect(first).toEqual({
      Target: 'T',
      Data: 'd',
      Anchor: `${'0'.repeat(31)}1`,
      Tags: [
        ['Data-Protocol', 'ao'],
        ['Variant', 'ao.TN.1'],
        ['Type', 'Message'],
        ['Reference', '1'],
        ['Action', 'A'],
        ['Text', 't'],
        ['Number', '1.5'],
        ['Big', '10'],
        ['Yes', 'true'],
        ['Object', '{"a":1}'],
      ].map(([name, value]) => ({ name, value })),
    })
    expect(second).toMatchObject({ Data: '7', Anchor: `${'0'.repeat(31)}2` })
    expect(second).not.toHaveProperty('Target')
    expect(third).toMatchObject({ Target: 'B', Data: new Uint8Array([200]) })
    expect(fourth).toMatchObject({ Target: 'N', Anchor: 'x'.repeat(32) })
    expect(fourth).not.toHaveProperty('Data')
    expect(reply).toMatchObject({ Target: OWNER })
    expect(tagsOf(reply)).toMatchObject({ K: 'v', 'X-Reference': '77', 'X-Origin': 'far', Reference: '5' })
  })

  it('replies where Reply-To says, and forwards with it', () => {
    const one = withApi(`on('R', (msg) => msg.forward('${id('next')}', { tags: { Added: 'a' } }) && msg.reply('x'))`)
    const [forwarded, reply] = one.send({
      Tags: { Action: 'R', Reference: '3', 'Reply-To': 'elsewhere', Keep: 'k', Type: 'Message' },
      Data: 'body',
    }).result.Messages
    expect(forwarded).toMatchObject({ Target: id('next'), Data: 'body' })
    expect(tagsOf(forwarded)).toMatchObject({
      Action: 'R',
      Keep: 'k',
      Added: 'a',
      'Reply-To': 'elsewhere',
      'X-Reference': '3',
      'X-Origin': OWNER,
    })
    expect(reply).toMatchObject({ Target: 'elsewhere' })
  })

  it('spawns and assigns', () => {
    const one = withApi(`on('Go', async () => {
      assign({ processes: ['p'], message: 'm', baseLayer: true, exclude: ['Data'] })
      const child = (await spawn({ tags: { Name: 'child' } }).answer()).tag('Process')
      return 'spawned ' + child
    })`)
    const { Spawns, Assignments } = one.act('Go').result
    expect(Assignments).toEqual([{ Processes: ['p'], Message: 'm', Exclude: ['Data'], BaseLayer: true }])
    expect(Spawns).toMatchObject([{ Data: 'NODATA' }])
    expect(tagsOf(Spawns[0])).toEqual({
      'Data-Protocol': 'ao',
      Variant: 'ao.TN.1',
      Type: 'Process',
      'From-Process': PROCESS,
      'From-Module': id('module'),
      Module: id('module'),
      Reference: '1',
      Name: 'child',
    })
    const told = one.act('Spawned', { Reference: '1', Process: 'c' }, { From: PROCESS, Owner: PROCESS })
    expect(dataOf(told)).toBe('spawned c')
  })

  it('keeps apart what text cannot', () => {
    const one = withApi(
      `on('Z', (msg) => { send({ target: 'T', tags: { 'N\\0': 'a\\0b' } }); send({ target: 'U', data: '\\0'.repeat(5000) }); console.log('\\0') })`,
    )
    for (let i = 0; i < 2; i++) {
      const { Messages, Output } = one.act('Z').result
      expect(Messages).toMatchObject([{ Target: 'T' }, { Target: 'U', Data: '\0'.repeat(5000) }])
      expect(tagsOf(Messages[0])['N\0']).toBe('a\0b')
      expect(Output).toEqual({ data: '\0', prompt: 'Tést> ', print: true })
    }
  })
})

describe('Eval', () => {
  it('is for the owner, who sees values and what was printed', () => {
    const one = withApi('export const box = { n: 1 }')
    const { result } = one.act('Eval', {}, { Data: 'console.log("hi", box); box.n += 1' })
    expect(result.Output).toEqual({ data: 'hi { n: 1 }\n2', prompt: 'Tést> ' })
    const stranger = one.send({ Tags: { Action: 'Eval' }, Data: 'box.n = 100', From: id('x'), Owner: id('x') })
    expect(printed(stranger)).toBe('no handler for Action = Eval')
    expect(one.run('box.n')).toBe('2')
  })

  it.each([
    ['undefined', ''],
    ['null', 'null'],
    ['"text"', 'text'],
    ['["text", -0, 5n, Symbol("s")]', `['text', -0, 5n, Symbol(s)]`],
    ['({ a: { b: { c: { d: { e: 1 } } } }, "x-y": "it\'s" })', `{ a: { b: { c: { d: {…} } } }, 'x-y': "it's" }`],
    ['{ a: 1 }', '{ a: 1 }'],
    ['{ let a = 1; a + 1 }', '2'],
    ['new Map([["k", new Set([1])]])', `Map(1) { 'k' => Set(1) { 1 } }`],
    ['new Uint8Array(3)', 'Uint8Array(3) [0, 0, 0]'],
    ['const o = { n: 1 }; o.self = o; o', '{ n: 1, self: [circular] }'],
    ['class A { x = 1 }; [new A(), A, () => {}, function f() {}]', '[A { x: 1 }, [class A], [function], [function f]]'],
    ['await Promise.resolve(7)', '7'],
    ['const later = await 5; later * 2', '10'],
    ['[new Error("e"), /r/g, new Date(NaN), Object.create(null)]', '[Error: e, /r/g, Invalid Date, {}]'],
    ['new TextDecoder().decode(new TextEncoder().encode("Grüße \u{1f30d}\\ud800"))', 'Grüße \u{1f30d}\ufffd'],
    ['[...new TextEncoder().encode("€")].join()', '226,130,172'],
    ['new TextDecoder().decode(new Uint8Array([0x41, 0xc3, 0xe2, 0x82, 0xff, 0xf0, 0x9f]))', 'A\ufffd\ufffd\ufffd\ufffd'],
    ['Array.from({ length: 200 }, (_, i) => i).length', '200'],
    ['atob(btoa("abc"))', 'abc'],
  ])('%s shows %s', (source, shown) => {
    expect(withApi('').run(source)).toBe(shown)
  })

  it('what it declares stays, and errors name its line', () => {
    const one = withApi('')
    one.run('let q = 5; const f = () => q; function g() { return f() + 1 }; class K {}')
    expect(one.run('q += 1; [f(), g(), typeof K]')).toBe(`[6, 7, 'function']`)
    expect(one.error('1 +\n nope()')).toMatch(/^ReferenceError: nope is not defined\n {4}at <eval> \(eval-3\.js:2:\d+\)$/)
    expect(one.error('1 +')).toMatch(/^SyntaxError/)
    expect(one.run('q')).toBe('6')
  })

  it('as a module it replaces code and keeps the state', () => {
    const one = spawnJs({ 'token.ts': `${IMPORT} export const state = { n: 1 }; on('Get', () => 'old ' + state.n)` })
    one.run(`import { on } from 'heddle/process'\nimport { state } from './token.ts'\non('Get', () => 'new ' + ++state.n)`)
    expect(dataOf(one.act('Get'))).toBe('new 2')
  })

  it('programs that export handle see every message, Eval too', () => {
    const one = spawnJs(
      'let n = 0; export async function handle(msg, env) { await null; n += 1; return { Output: [n, msg.Data, env.Process.Id] } }',
    )
    expect(one.send({ Tags: { Action: 'Eval' }, Data: 'n = 5' }).result.Output).toEqual([1, 'n = 5', PROCESS])
    expect(one.send({ From: id('x') }).result.Output).toEqual([2, ' ', PROCESS])
  })
})

describe('in a worker', () => {
  const pool = createGuestPool({ workers: 1, memoryBytesMax: 256 * 1024 * 1024, log: silentLog })
  afterAll(() => pool.stop())

  /** Ways to recurse, each ended by the interpreter itself, so that every machine has the same depth. */
  const RECURSIONS: Readonly<Record<string, string>> = {
    calls: 'let d = 0; const f = () => { d++; f() }; try { f() } catch {} d',
    callbacks: 'let d = 0; const f = () => { d++; [1].map(f) }; try { f() } catch {} d',
    sorting: 'let d = 0; const f = () => { d++; [1, 2].sort(f) }; try { f() } catch {} d',
    getters: 'let d = 0; const o = { get x() { d++; return o.x } }; try { o.x } catch {} d',
    proxies: 'let d = 0; const p = new Proxy({}, { get(t, k, r) { d++; return r[k] } }); try { p.x } catch {} d',
    replacing: 'let d = 0; const f = () => { d++; "a".replace(/a/, f) }; try { f() } catch {} d',
    parsing: 'let e; try { JSON.parse("[".repeat(1e5)) } catch (error) { e = error.name } e',
    writing: 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; let e; try { JSON.stringify(a) } catch (error) { e = error.name } e',
    source: 'let e; try { eval("(".repeat(2e4) + ")".repeat(2e4)) } catch (error) { e = error.message } e',
    lists: 'let e; try { eval("[".repeat(2e4) + "]".repeat(2e4)) } catch (error) { e = error.message } e',
    generators: 'let d = 0; function* f() { d++; yield* f() }; try { [...f()] } catch {} d',
    reviving: 'let d = 0; const f = () => { d++; JSON.parse("[1]", f) }; try { f() } catch {} d',
  }

  it('recursion ends at the same depth here as in another worker', async () => {
    const open = async (name: string): Promise<unknown[]> => {
      const process = id(name)
      const env = { Process: { Id: process, Owner: OWNER, Tags: [] }, Module: { Id: id('module'), Owner: OWNER, Tags: [] } }
      await pool.open(process, { id: id('module'), format: JS_FORMAT, bytes: utf8('') }, env, null)
      const seen: unknown[] = []
      for (const [way, source] of Object.entries(RECURSIONS)) {
        const message = { Id: id('m'), From: OWNER, Owner: OWNER, Target: process, Data: source, Timestamp: 1, 'Block-Height': 1 }
        const { ok, result } = await pool.dryRun(process, { ...message, Tags: [{ name: 'Action', value: 'Eval' }] })
        expect({ way, ok, error: result.Error }).toEqual({ way, ok: true, error: undefined })
        seen.push((result.Output as { data: string }).data)
      }
      return seen
    }
    const first = await open('one')
    expect(first.slice(0, 2).map(Number)).toEqual([expect.any(Number), expect.any(Number)])
    expect(Number(first[0])).toBeGreaterThan(1000)
    expect(await open('two')).toEqual(first)
  })
})
