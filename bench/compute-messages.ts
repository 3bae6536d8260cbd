/** One process and the messages that it gets, the same for every engine that is compared. */
import { parseTxId } from '../src/base/ids.ts'
import type { GuestEnv, GuestMessage } from '../src/guests/guest.ts'

export const PROCESS = parseTxId(`${'p'.repeat(42)}A`)
export const MODULE = parseTxId(`${'m'.repeat(42)}A`)
const OWNER = 'a'.repeat(43)
const START_MS = 1_700_000_000_000
const processTags = [
  { name: 'Name', value: 'bench' },
  { name: 'Authority', value: OWNER },
  { name: 'Type', value: 'Process' },
]

export const ENV: GuestEnv = {
  Process: { Id: PROCESS, Owner: OWNER, Tags: processTags },
  Module: { Id: MODULE, Owner: OWNER, Tags: [] },
}

/** Slot 0: the process itself. */
export const BOOT: GuestMessage = messageOf(0, processTags, '1984', PROCESS)

export function evalMessage(slot: number, code: string): GuestMessage {
  return messageOf(slot, [{ name: 'Action', value: 'Eval' }], code)
}

export function transferMessage(slot: number): GuestMessage {
  const recipient = String(slot % 1_000).padStart(43, 'r')
  return messageOf(
    slot,
    [
      { name: 'Action', value: 'Transfer' },
      { name: 'Recipient', value: recipient },
      { name: 'Quantity', value: '1' },
    ],
    '',
  )
}

function messageOf(
  slot: number,
  tags: readonly { name: string; value: string }[],
  data: string,
  id = String(slot).padStart(43, 'i'),
): GuestMessage {
  return {
    ...{ Id: id, Data: data, Owner: OWNER, Target: PROCESS, From: OWNER, Module: MODULE },
    Tags: [{ name: 'Data-Protocol', value: 'ao' }, { name: 'Variant', value: 'ao.TN.1' }, { name: 'Type', value: 'Message' }, ...tags],
    ...{ Nonce: slot, Timestamp: START_MS + slot, 'Block-Height': 100_000, Cron: false },
  }
}

/** A token for aos: what a transfer changes and sends, as the published blueprints have it. */
export const AOS_TOKEN = `
Balances = { [Owner] = "1000000000000" }
Handlers.add("transfer", Handlers.utils.hasMatchingTag("Action", "Transfer"), function (msg)
  local quantity, to = tonumber(msg.Tags.Quantity), msg.Tags.Recipient
  Balances[msg.From] = tostring(tonumber(Balances[msg.From]) - quantity)
  Balances[to] = tostring(tonumber(Balances[to] or "0") + quantity)
  ao.send({ Target = msg.From, Action = "Debit-Notice", Recipient = to, Quantity = tostring(quantity), Data = "You sent " .. quantity })
  ao.send({ Target = to, Action = "Credit-Notice", Sender = msg.From, Quantity = tostring(quantity), Data = "You got " .. quantity })
end)`

/** Arithmetic, table, string and sorting work of some 100 ms. */
export const HEAVY = `
local sum, words, list = 0, {}, {}
for i = 1, 1000000 do sum = (sum * 31 + i) % 1000003 end
for i = 1, 20000 do words[#words + 1] = string.format("%d:%s", i, "x"):rep(2) end
for i = 1, 20000 do list[i] = (i * 7919) % 10007 end
table.sort(list)
return sum .. #table.concat(words) .. list[100]`
