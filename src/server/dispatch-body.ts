import { z } from '@hono/zod-openapi'
import type { Scope } from '../core/scope.ts'
import { durationOf, variables } from '../fields.ts'

/** What one call of the dispatcher API may ask for at most. */
export const mostRunners = 100

/** A Go duration, as the ancestor's callers write it (`20m0s`); an empty text counts as left out. Milliseconds. */
const ttl = z
  .string('expected a duration such as 20m0s')
  .transform((text): unknown => text || undefined)
  .pipe(durationOf({ least: 1 }).optional())
const word = z
  .string('expected a text')
  .regex(/^\P{Cc}{0,1024}$/u, 'expected a text on one line')
  .transform((text) => text || null)
const slug = z
  .string('expected a text')
  .regex(/^[^\s/\p{Cc}]{0,256}$/u, 'expected a name without a slash')
  .nullish()
  .transform((text) => text ?? '')

const scope = z
  .object({
    level: z.enum(
      ['repository', 'organization', 'user', 'instance', 'enterprise'],
      'expected repository, organization, user, instance or enterprise',
    ),
    owner: slug,
    name: slug,
  })
  .refine(({ level, owner }) => level === 'instance' || owner !== '', 'expected the owner')
  .refine(({ level, name }) => level !== 'repository' || name !== '', 'expected the name of the repository')
  .transform(
    ({ level, owner, name }): Scope => ({
      level,
      owner: level === 'instance' ? null : owner,
      name: level === 'repository' ? name : null,
    }),
  )

/** The body of `POST /api/v1/dispatch`. Everything may be left out, null counts as left out, and unknown keys are let pass, as in the ancestor. */
const Asked = z.object({
  // 0 is how Go writes a number that nobody set.
  count: z
    .int(`expected a whole number from 1 to ${mostRunners}`)
    .min(0, `expected a whole number from 1 to ${mostRunners}`)
    .max(mostRunners, `expected a whole number from 1 to ${mostRunners}`)
    .transform((count) => count || 1)
    .nullish(),
  labels: z
    .array(
      z.string('expected a text').regex(/^(?=.*\S)\P{Cc}{1,256}$/u, 'expected a label of 1 to 256 characters'),
      'expected a list of labels',
    )
    .max(100, 'expected at most 100 labels')
    .nullish(),
  ttl: ttl.nullish(),
  machine_type: word.nullish(),
  image: word.nullish(),
  env: variables.nullish(),
  scope: scope.nullish(),
})

/** What a caller asks for; null is what it left out. `ttl` is in milliseconds. */
export interface AskedBody {
  count: number
  labels: readonly string[]
  ttl: number | null
  machineType: string | null
  image: string | null
  env: Readonly<Record<string, string>>
  scope: Scope | null
}

/** Reads a body; `problem` names what is wrong, without a value of `env`. */
export function readAsked(bytes: Uint8Array): AskedBody | { problem: string } {
  const tree = parsed(bytes)
  if (tree === undefined) return { problem: 'the body is not JSON' }
  const read = Asked.safeParse(tree)
  if (!read.success) {
    const told = read.error.issues.map(({ path, message }) =>
      path.length > 0 ? `${path.join('.')}: ${message}` : message,
    )
    return { problem: told.join('; ') }
  }
  const { count, labels, ttl, machine_type, image, env, scope } = read.data
  return {
    count: count ?? 1,
    labels: labels ?? [],
    ttl: ttl ?? null,
    machineType: machine_type ?? null,
    image: image ?? null,
    env: env ?? {},
    scope: scope ?? null,
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
