import { describe, expect, it } from 'vitest'
import { empty, type Route, type Surface } from './route.ts'
import { createRouter, pathOf } from './router.ts'

const route = (path: string, method: Route['method'] = 'GET'): Route => ({ method, path, handle: async () => empty(200) })
const surface = (name: string, ...routes: Route[]): Surface => ({ name, routes, failure: () => empty(500) })

/** The patterns that match, each with its parameters, as `surface pattern {...}`. */
function found(surfaces: readonly Surface[], target: string, method = 'GET'): string[] {
  const matches = createRouter(surfaces).match(method, pathOf(target))
  return matches.map((match) => `${match.surface.name} ${match.route.path} ${JSON.stringify(match.params())}`)
}

describe('router', () => {
  it('takes the path out of a request target and keeps its characters', () => {
    const cases: [string, string][] = [
      ['/', '/'],
      ['/info?a=/b', '/info'],
      ['//info', '/info'],
      ['///a//b/', '/a//b/'],
      ['/a%2Fb/%7Ex', '/a%2Fb/%7Ex'],
      ['/~meta@1.0/info&a=1+2,(b)/"x"', '/~meta@1.0/info&a=1+2,(b)/"x"'],
      ['/a/../b/./c', '/a/../b/./c'],
      ['http://host:1984/tx/x?q', '/tx/x'],
      ['https://host', '/'],
      ['HTTP://host?x=/y', '/'],
      ['http://host//a', '/a'],
      ['*', '/*'],
      ['', '/'],
      ['?x', '/'],
      ['//', '/'],
    ]
    for (const [target, path] of cases) expect(pathOf(target), target).toBe(path)
  })

  it('finds literals and parameters', () => {
    const surfaces = [surface('s', route('/tx/:id/status'), route('/tx/:id'), route('/info'), route('/'))]
    expect(found(surfaces, '/tx/abc/status')).toEqual(['s /tx/:id/status {"id":"abc"}'])
    expect(found(surfaces, '/tx/abc')).toEqual(['s /tx/:id {"id":"abc"}'])
    expect(found(surfaces, '/info')).toEqual(['s /info {}'])
    expect(found(surfaces, '/')).toEqual(['s / {}'])
    for (const path of ['/tx', '/tx/a/b', '/tx/a/status/b', '/Info', '/inf', '/%69nfo']) expect(found(surfaces, path), path).toEqual([])
  })

  it('ignores empty segments', () => {
    const surfaces = [surface('s', route('/a/:b/c'))]
    for (const path of ['/a/x/c', '//a/x/c', '/a//x///c', '/a/x/c/', '/a/x/c//']) expect(found(surfaces, path), path).toHaveLength(1)
  })

  it('keeps the order of surfaces, then of routes, whatever the patterns', () => {
    const surfaces = [
      surface('one', route('/:a'), route('/x'), route('/*')),
      surface('two', route('/x'), route('/:b')),
      surface('three', route('/x/*')),
    ]
    expect(found(surfaces, '/x')).toEqual([
      'one /:a {"a":"x"}',
      'one /x {}',
      'one /* {"*":"x"}',
      'two /x {}',
      'two /:b {"b":"x"}',
      'three /x/* {"*":""}',
    ])
  })

  it('gives the rest of the path to * as it came', () => {
    const surfaces = [surface('s', route('/raw/:id/*'))]
    const rests: [string, string][] = [
      ['/raw/x', ''],
      ['/raw/x/', ''],
      ['/raw/x/a/b', 'a/b'],
      ['/raw/x/a/b/', 'a/b/'],
      ['/raw/x//a', '/a'],
      ['//raw//x/a%20b/%zz', 'a%20b/%zz'],
    ]
    for (const [path, rest] of rests)
      expect(found(surfaces, path), path).toEqual([`s /raw/:id/* ${JSON.stringify({ id: 'x', '*': rest })}`])
    expect(found([surface('s', route('/*'))], '/a//b?c')).toEqual(['s /* {"*":"a//b"}'])
    expect(found([surface('s', route('/*'))], '/')).toEqual(['s /* {"*":""}'])
  })

  it('decodes parameters, and says null when they cannot be decoded', () => {
    const surfaces = [surface('s', route('/:a/:b'))]
    expect(found(surfaces, '/a%20b%2Fc/x+y')).toEqual(['s /:a/:b {"a":"a b/c","b":"x+y"}'])
    expect(found(surfaces, '/%F0%9F%A7%B5/~x@1.0')).toEqual(['s /:a/:b {"a":"🧵","b":"~x@1.0"}'])
    for (const bad of ['/%zz/b', '/a/%', '/%ff/b', '/a/%E0%A4']) expect(found(surfaces, bad), bad).toEqual(['s /:a/:b null'])
  })

  it('keeps methods apart; HEAD finds GET', () => {
    const surfaces = [surface('s', route('/x'), route('/x', 'POST'), route('/y', 'PUT'))]
    expect(createRouter(surfaces).match('POST', '/x')[0]?.route.method).toBe('POST')
    expect(createRouter(surfaces).match('HEAD', '/x')[0]?.route.method).toBe('GET')
    expect(found(surfaces, '/y')).toEqual([])
    expect(found(surfaces, '/x', 'TRACE')).toEqual([])
    expect(found(surfaces, '/x', 'constructor')).toEqual([])
  })

  it('is not confused by names of object properties', () => {
    const surfaces = [surface('s', route('/:__proto__/x'))]
    expect(found(surfaces, '/constructor')).toEqual([])
    expect(found(surfaces, '/__proto__')).toEqual([])
  })

  it('refuses patterns that could never match', () => {
    for (const bad of ['x', '', '/*/x', '/a/*/b']) expect(() => createRouter([surface('s', route(bad))]), bad).toThrow(TypeError)
  })
})
