/** What the prelude gives to these modules, and to nobody else. */
export const host = globalThis.heddle
