import { describe } from 'vitest'
import { blobStoreContract } from '../../../test/blob-store.contract.ts'
import { createMemoryBlobStore } from './memory-blob-store.ts'

describe('memory BlobStore', () => blobStoreContract(async () => createMemoryBlobStore()))
