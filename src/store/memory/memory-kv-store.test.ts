import { describe } from 'vitest'
import { kvStoreContract } from '../../../test/kv-store.contract.ts'
import { createMemoryKvStore } from './memory-kv-store.ts'

describe('memory KvStore', () => kvStoreContract(async () => createMemoryKvStore()))
