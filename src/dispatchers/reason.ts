import { stripVTControlCharacters } from 'node:util'
import type { Scrubber } from '../secret.ts'

const longest = 256

/** A text as the reason of an outcome: secrets scrubbed, on one line, at most 256 characters. */
export function reason(text: string, scrubber?: Scrubber): string {
  const plain = stripVTControlCharacters(scrubber?.scrub(text) ?? text)
  const line = plain.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return line.length <= longest ? line : `${line.slice(0, longest - 1).trimEnd()}…`.toWellFormed()
}
