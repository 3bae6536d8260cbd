import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig, nodeUrl } from './config.ts'

describe('settings', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heddle-config-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('flags win over the environment, which wins over the file', () => {
    writeFileSync(join(folder, 'heddle.config.json'), JSON.stringify({ port: 1, host: 'file', seal: 'manual' }))
    const config = loadConfig({ port: '3' }, { HEDDLE_PORT: '2', HEDDLE_HOST: 'env', HEDDLE_LOG_LEVEL: 'info' }, folder)
    expect(config).toMatchObject({ port: 3, host: 'env', seal: 'manual', logLevel: 'info', data: join(folder, '.heddle') })
  })

  it('reports all problems together', () => {
    expect(() => loadConfig({ port: 'x', seal: 'never' }, { HEDDLE_PROT: '1' }, folder)).toThrowError(/port.*seal.*HEDDLE_PROT/s)
  })

  it('says which file is not JSON', () => {
    writeFileSync(join(folder, 'heddle.config.json'), '{')
    expect(() => loadConfig({}, {}, folder)).toThrowError(/heddle\.config\.json is not a JSON object/)
  })

  it('client commands find the node by flag, environment or default', () => {
    expect(nodeUrl('http://a/', {})).toBe('http://a')
    expect(nodeUrl(undefined, { HEDDLE_URL: 'http://b' })).toBe('http://b')
    expect(nodeUrl(undefined, {})).toBe('http://localhost:1984')
  })
})
