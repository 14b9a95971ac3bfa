import { randomBytes } from 'node:crypto'

/** Fresh ids, as a port. */
export type Ids = () => string

const alphabet = '0123456789abcdefghijklmnopqrstuv'

/** 16 characters of lower case and digits, 80 random bits: fits into a runner's name, a file name and a label. */
export const randomId: Ids = () => Array.from(randomBytes(16), (byte) => alphabet[byte % 32]).join('')

/** Whether a text may be one of ours. */
export function isId(text: string): boolean {
  return /^[0-9a-v]{16}$/.test(text)
}
