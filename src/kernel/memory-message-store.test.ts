import { describe } from 'vitest'
import { messageStoreContract } from '../../test/message-store.contract.ts'
import { MemoryMessageStore } from './memory-message-store.ts'

describe('message store in memory', () => messageStoreContract(async () => new MemoryMessageStore()))
