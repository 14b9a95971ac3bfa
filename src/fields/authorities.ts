import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { Reading } from '../fields.ts'
import { told } from './refusal.ts'

/** PEM certificates in a file: the authorities to trust. */
export function authoritiesFile(reading: Reading): z.ZodType<string | null> {
  const error = told('the path of a PEM file')
  return z
    .string({ error })
    .transform((path, ctx) => {
      const problem = (found: string) => {
        ctx.issues.push({
          code: 'custom',
          message: `expected a readable file of PEM certificates, found ${found}`,
          input: path,
        })
        return z.NEVER
      }
      try {
        const full = resolve(reading.folder, path)
        reading.files.push(full)
        if (!statSync(full).isFile()) return problem('something that is no file')
        const pem = readFileSync(full, 'utf8')
        return pem.includes('-----BEGIN CERTIFICATE-----') ? pem : problem('no certificate in it')
      } catch (error) {
        return problem(`none (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`)
      }
    })
    .nullable()
    .prefault(null)
}
