import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toBase64url } from '../base/bytes.ts'
import { sha256 } from '../base/hash.ts'
import { type ChunkUpload, checkChunk, parseChunkJson } from './chunk-upload.ts'
import { buildTree, chunkLeaves, leafOf } from './data-tree.ts'

const data = Uint8Array.from({ length: 600_000 }, (_, i) => i % 251)
const tree = buildTree(chunkLeaves(data, 'client').map(({ leaf }) => leaf))
const upload: ChunkUpload = {
  dataRoot: tree.root,
  dataBytes: 600_000n,
  dataPath: tree.pathOf(262144),
  offset: 524287n,
  chunk: data.subarray(262144, 524288),
}
const json = {
  data_root: toBase64url(upload.dataRoot),
  data_size: '600000',
  data_path: toBase64url(upload.dataPath),
  offset: '524287',
  chunk: toBase64url(upload.chunk),
}

describe('POST /chunk body', () => {
  it('is read', () => {
    const { chunk, ...rest } = parseChunkJson({ ...json, packing: 'unpacked' })
    expect(checkChunk({ chunk, ...rest })).toEqual(checkChunk(upload))
  })

  const bad: [string, unknown, string][] = [
    ['not an object', 'x', 'invalid_json'],
    ['no offset', { ...json, offset: undefined }, 'offset_field_required'],
    ['numeric size', { ...json, data_size: 600000 }, 'invalid_json'],
    ['negative offset', { ...json, offset: '-1' }, 'invalid_json'],
    ['short root', { ...json, data_root: 'AAAA' }, 'invalid_json'],
    ['chunk that is not base64url', { ...json, chunk: '*' }, 'invalid_json'],
    ['no path', { ...json, data_path: null }, 'invalid_json'],
  ]
  for (const [name, value, reason] of bad)
    it(`refuses: ${name}`, () => {
      expect(() => parseChunkJson(value)).toThrow(expect.objectContaining({ code: 'chunk-refused', facts: { reason } }))
    })
})

it('any body is read or refused as a chunk', () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('', 'AA', '0', '9'.repeat(500), '-1', toBase64url(tree.root)))
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(json)), value, (name, replacement) => {
      try {
        checkChunk(parseChunkJson({ ...json, [name]: replacement }))
      } catch (error) {
        expect(error).toMatchObject({ code: 'chunk-refused' })
      }
    }),
    { numRuns: 100 },
  )
})

describe('checking a chunk', () => {
  it('says where it lies', () => {
    expect(checkChunk(upload)).toEqual({ ok: true, range: { startOffset: 262144n, endOffset: 524288n, chunkHash: sha256(upload.chunk) } })
  })

  it('takes any byte of the chunk, and an offset past the end for the last byte', () => {
    expect(checkChunk({ ...upload, offset: 262144n }).ok).toBe(true)
    const last = { ...upload, dataPath: tree.pathOf(599_999), chunk: data.subarray(524288) }
    for (const offset of [524288n, 599_999n, 600_000n]) expect(checkChunk({ ...last, offset }).ok, `offset ${offset}`).toBe(true)
  })

  const changed = Uint8Array.from(upload.chunk)
  changed[9]! ^= 1
  const bad: [string, Partial<ChunkUpload>, string][] = [
    ['more than 256 KiB', { chunk: new Uint8Array(262145) }, 'chunk_too_big'],
    ['a path over 256 KiB', { dataPath: new Uint8Array(262145) }, 'data_path_too_big'],
    ['an offset beyond 256 bits', { offset: 2n ** 256n }, 'offset_too_big'],
    ['an absurd size', { dataBytes: 2n ** 60n }, 'data_size_too_big'],
    ['a chunk smaller than its proof', { chunk: new Uint8Array(100) }, 'chunk_proof_ratio_not_attractive'],
    ['one changed byte', { chunk: changed }, 'invalid_proof'],
    ['one byte less', { chunk: upload.chunk.subarray(1) }, 'invalid_proof'],
    ['the offset of another chunk', { offset: 262143n }, 'invalid_proof'],
    ['another root', { dataRoot: new Uint8Array(32) }, 'invalid_proof'],
    ['a size that ends inside it', { dataBytes: 524_287n }, 'invalid_proof'],
    ['no bytes', { chunk: new Uint8Array(0), dataPath: tree.pathOf(599_999) }, 'invalid_proof'],
  ]
  for (const [name, change, reason] of bad)
    it(`refuses: ${name}`, () => {
      expect(checkChunk({ ...upload, ...change })).toEqual({ ok: false, reason })
    })

  it('takes a rebased path only if it needs its marks', () => {
    const chunk = new Uint8Array(262144)
    const rebased = buildTree([leafOf(sha256(chunk), 262144)]).rebased()
    const needed = buildTree([rebased, rebased])
    const dataPath = needed.pathOf(262144)
    const at = { dataRoot: needed.root, dataBytes: 524288n, dataPath, offset: 524287n, chunk }
    expect(checkChunk(at)).toMatchObject({ ok: true, range: { startOffset: 262144n } })
    expect(checkChunk({ ...at, dataPath: needed.pathOf(0), offset: 0n })).toEqual({ ok: false, reason: 'invalid_proof' })
  })
})
