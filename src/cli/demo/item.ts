/** A signed data item, posted to the upload door. */
import { createDataItem, itemSigner } from '../../codec/data-item.ts'
import { keyFromJwk } from '../../codec/keys.ts'
import type { TextTag } from '../../codec/tags.ts'

export async function createData(
  url: string,
  jwk: Readonly<Record<string, string>>,
  data: string,
  tags: readonly TextTag[],
): Promise<string> {
  const item = await createDataItem({ data, tags }, itemSigner(keyFromJwk(jwk)))
  const response = await fetch(`${url}/tx`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.from(item.raw),
  })
  if (!response.ok) throw new Error(`the upload was refused (${response.status}): ${await response.text()}`)
  const { id } = (await response.json()) as { id: string }
  return id
}
