import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isFailure } from '../base/errors.ts'
import { AO_CORE_CACHE_BYTES_MAX } from '../base/limits.ts'
import { loadConfig } from './config.ts'
import { nodeUrl } from './config-url.ts'

describe('settings', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heddle-config-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const write = (text: string): void => writeFileSync(join(folder, 'heddle.config.json'), text)
  function problemsOf(flags: Record<string, unknown>, environment: Record<string, string> = {}): readonly string[] {
    try {
      loadConfig(flags, environment, folder)
    } catch (error) {
      if (isFailure(error, 'config-invalid')) return error.facts.problems
      throw error
    }
    return []
  }

  it('flags win over the environment, which wins over the file', () => {
    write(JSON.stringify({ port: 1, host: 'file', seal: 'manual' }))
    const config = loadConfig({ port: '3' }, { HEDDLE_PORT: '2', HEDDLE_HOST: 'env', HEDDLE_LOG_LEVEL: 'info' }, folder)
    expect(config).toEqual({
      port: 3,
      host: 'env',
      unitPorts: false,
      data: join(folder, '.heddle'),
      profile: 'dev',
      seal: 'manual',
      sealMs: 500,
      bundleMs: 250,
      workers: 0,
      upstream: [],
      aliases: 'on',
      aoCacheBytes: AO_CORE_CACHE_BYTES_MAX,
      logLevel: 'info',
    })
  })

  it('reports all problems together, each with the place that it came from', () => {
    write(JSON.stringify({ workers: 'many' }))
    expect(problemsOf({ port: 'x', logLevel: 'loud' }, { HEDDLE_PROT: '1', HEDDLE_SEAL_MS: '-1' })).toEqual([
      'HEDDLE_PROT: there is no such setting, did you mean HEDDLE_PORT?',
      '--port: "x" is not a whole number from 0 to 65535',
      'HEDDLE_SEAL_MS: "-1" is not a whole number from 0 to 600000',
      'workers in heddle.config.json: "many" is not a whole number from 0 to 256',
      '--log-level: "loud" is not one of: trace, debug, info, warn, error, silent',
    ])
  })

  it.each(['', ' 1', '1e3', '0x10', '65536', '1.5', true, null, 1.5, -1, [1]])('refuses the port %j', (port) => {
    expect(problemsOf({ port })).toEqual([`--port: ${JSON.stringify(port)} is not a whole number from 0 to 65535`])
  })

  it('upstream is a list of URLs, in the file or with commas between them', () => {
    expect(loadConfig({ upstream: 'https://a.example/, http://b:80/x/,https://a.example' }, {}, folder).upstream).toEqual([
      'https://a.example',
      'http://b/x',
    ])
    write(JSON.stringify({ upstream: ['https://a.example'], publicUrl: 'http://me:4000/' }))
    expect(loadConfig({}, {}, folder)).toMatchObject({ upstream: ['https://a.example'], publicUrl: 'http://me:4000' })
  })

  it.each(['', 'arweave.net', 'ftp://a', 'https://a/?x', 'https://a/#x', 'https://user@a', 5, null])('refuses the URL %j', (value) => {
    for (const name of ['publicUrl', 'upstream'])
      expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining('is not the URL of a node')])
  })

  it.each(['{', '[]', 'null', '"port"'])('says that a file with %s is not a JSON object', (text) => {
    write(text)
    expect(problemsOf({})).toEqual([expect.stringContaining('heddle.config.json is not a JSON object')])
  })

  it('options of AO-Core are an object, or its JSON; its operator is an address or anybody', () => {
    const address = `${'a'.repeat(42)}A`
    write(JSON.stringify({ aoOptions: { mine: { a: 1 } }, operator: 'unclaimed' }))
    expect(loadConfig({}, {}, folder)).toMatchObject({ aoOptions: { mine: { a: 1 } }, operator: 'unclaimed' })
    const environment = { HEDDLE_AO_OPTIONS: '{"force_signed":false}', HEDDLE_OPERATOR: address }
    expect(loadConfig({}, environment, folder)).toMatchObject({ aoOptions: { force_signed: false }, operator: address })
    for (const wrong of ['[]', '{', '5']) expect(() => loadConfig({}, { HEDDLE_AO_OPTIONS: wrong }, folder)).toThrow('HEDDLE_AO_OPTIONS: ')
    expect(() => loadConfig({ operator: 'nobody' }, {}, folder)).toThrow('--operator: "nobody" is neither an address')
  })

  it('an empty variable is as if it was not there', () => {
    expect(loadConfig({}, { HEDDLE_PORT: '', HEDDLE_URL: 'http://elsewhere' }, folder).port).toBe(1984)
  })

  it('client commands find the node by flag, environment or default', () => {
    expect(nodeUrl('http://a/', {})).toBe('http://a')
    expect(nodeUrl(undefined, { HEDDLE_URL: 'http://b' })).toBe('http://b')
    expect(nodeUrl(undefined, { HEDDLE_URL: '' })).toBe('http://localhost:1984')
    for (const word of ['', 'a', 'localhost:1984', 'ftp://a']) expect(() => nodeUrl(word, {}), word).toThrow('is not the URL of a node')
  })
})
