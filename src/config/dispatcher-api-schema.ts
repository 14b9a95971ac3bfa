import { z } from 'zod'
import { mapping } from '../fields/mapping.ts'
import { told } from '../fields/refusal.ts'
import { optionalSecret } from '../fields/secret.ts'
import { flag, name, type Reading, text, wholeNumber } from '../fields.ts'
import { scope } from './instance-schema.ts'
import { label } from './target-schema.ts'

const scopeWord = text(
  'a scope such as instance, organization:acme, user:ada or repository:acme/site',
  /^(instance|(organization|user|enterprise):[^\s/:]+|repository:[^\s/:]+\/[^\s/:]+)$/i,
)

/** What others may ask of us at the admin listener. That its instance exists is checked across the file. */
export function dispatcherApi(reading: Reading) {
  const shape = {
    enabled: flag.default(false),
    token: optionalSecret(reading),
    instance: name.nullable().default(null),
    allow_labels: z.array(label, { error: told('a list of labels') }).default([]),
    allow_scopes: z.array(scopeWord, { error: told('a list of scopes') }).default([]),
    max_parallel: wholeNumber(1).nullable().default(null),
    default_labels: z.array(label, { error: told('a list of labels') }).default([]),
    default_scope: scope(reading).nullable().default(null),
  }
  return mapping(shape, ({ enabled, token }, tell) => {
    if (enabled && token === null)
      tell(['token'], 'expected a token, because enabled is true, found nothing, make one with: openssl rand -hex 32')
  })
}
