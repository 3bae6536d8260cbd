import { fileURLToPath } from 'node:url'

/** The folder of the public wallets, with money in them on development networks. */
export const DEV_WALLETS: string = fileURLToPath(new URL('../../dev/wallets', import.meta.url))
