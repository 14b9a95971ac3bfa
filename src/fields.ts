import { z } from 'zod'
import { nearest } from './core/nearest.ts'
import { named } from './fields/mapping.ts'
import { foundKind, told } from './fields/refusal.ts'
import type { Secret } from './secret.ts'

/** What a configuration is read with: where values may come from, and where it is written down what was met on the way. */
export interface Reading {
  environment: Readonly<Record<string, string | undefined>>
  /** Where relative paths of files begin: the folder of the configuration. */
  folder: string
  /** Every secret that was met, for the scrubber. */
  secrets: Secret[]
  /** The path of every file that was read, for whoever watches them. */
  files: string[]
  /** Plain sentences about what was let pass. */
  warnings: string[]
}

const quoted = { error: ({ input }: { input?: unknown }) => textRefusal('a text', input) }

function textRefusal(expected: string, input: unknown): string {
  const hint = typeof input === 'number' || typeof input === 'boolean' ? 'put it in quotes' : ''
  return told(expected, hint)({ input })
}

/** Any text without control characters; an empty one counts as left out. */
export const optionalText = z
  .string(quoted)
  .regex(/^\P{Cc}*$/u, { error: told('a text on one line') })
  .transform((text) => text || null)
  .nullable()
  .prefault(null)

/** A text that fits a pattern. */
export function text(expected: string, pattern: RegExp, hint?: string): z.ZodType<string> {
  const error = ({ input }: { input?: unknown }) =>
    typeof input === 'string' ? told(expected, hint)({ input }) : textRefusal(expected, input)
  return z.string({ error }).regex(pattern, { error })
}

/** What instances, targets and dispatchers are called: it stands in URLs, metrics and logs. */
export const name = text(
  'a name of 1 to 100 characters without a slash or control characters',
  /^(?!\.{1,2}$)(?!\s)[^/\p{Cc}]{1,100}(?<!\s)$/u,
)

export const flag = z.boolean({ error: told('true or false', 'write it so, without quotes') })

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): z.ZodType<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`
  const error = told(least === Number.MIN_SAFE_INTEGER ? 'a whole number' : `a whole number ${range}`)
  return z.int({ error }).min(least, { error }).max(most, { error })
}

/** One of some words, in any case. */
export function oneOf<const Word extends string>(words: readonly [Word, ...Word[]]): z.ZodType<Word> {
  const error = ({ input }: { input?: unknown }) => {
    const near = typeof input === 'string' ? nearest(input, words) : null
    return told(
      words.length === 1 ? `"${words[0]}"` : words.join(', '),
      near ? `did you mean "${near}"?` : '',
    )({ input })
  }
  return z.preprocess((input) => (typeof input === 'string' ? input.toLowerCase() : input), z.enum(words, { error }))
}

/** A key that is promised and not built yet: refused, never ignored. */
export function notSupportedYet(what: string): z.ZodType<undefined> {
  return z.undefined({ error: () => `not supported yet: ${what}` })
}

const unitsInMs = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const duration = /^(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/
/** The longest that Go's durations can say; the ancestor took no longer ones. */
const longest = 2 ** 63 / 1e6

/** `500ms`, `30s`, `5m`, `20m0s`, or whole seconds; as milliseconds, at least `least` of them. */
export function durationOf({ least = 0 } = {}): z.ZodType<number> {
  const expected = `a duration such as 500ms, 30s, 5m or 2h${least > 0 ? ', above 0' : ', 0 or more'}`
  return z.unknown().transform((input, ctx) => {
    const ms = milliseconds(input)
    if (ms !== null && ms >= least && ms < longest) return ms
    const bare = typeof input === 'string' && /^\d+$/.test(input)
    const hint = bare ? 'a text needs a unit' : typeof input === 'string' && / /.test(input) ? 'without spaces' : ''
    ctx.issues.push({ code: 'custom', message: told(expected, hint)({ input }), input })
    return z.NEVER
  })
}

function milliseconds(input: unknown): number | null {
  if (typeof input === 'number') return Number.isSafeInteger(input) ? input * 1_000 : null
  if (typeof input !== 'string') return null
  if (/^\+?0$/.test(input)) return 0
  const written = input.replace(/^\+/, '')
  if (!duration.test(written)) return null
  const parts = written.matchAll(/([\d.]+)(\D+)/g)
  const sum = [...parts].reduce(
    (ms, [, count, unit]) => ms + Number(count) * unitsInMs[unit as keyof typeof unitsInMs],
    0,
  )
  return Math.ceil(sum - 1e-9)
}

const unitsInBytes = { '': 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 } as const

/** `1MiB`, `500kB` or whole bytes, within the bounds. */
export function byteSize(least: number, most: number): z.ZodType<number> {
  return z.unknown().transform((input, ctx) => {
    const [, count, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmg]i?b|b)?$/i.exec(scalar(input)) ?? []
    const bytes = Math.round(Number(count) * unitsInBytes[unit.toLowerCase() as keyof typeof unitsInBytes])
    if (bytes >= least && bytes <= most) return bytes
    const message = told(`a size from ${least} to ${most} bytes, such as 1MiB`)({ input })
    ctx.issues.push({ code: 'custom', message, input })
    return z.NEVER
  })
}

function scalar(input: unknown): string {
  return typeof input === 'string' || typeof input === 'number' ? String(input) : ''
}

/** Environment variables. A value may be a secret, so none is shown. */
export const variables: z.ZodType<Readonly<Record<string, string>>> = named(
  z.string().regex(/^[^=\p{Cc}]{1,128}$/u, {
    error: 'expected the name of an environment variable, found one with = or a control character',
  }),
  z
    .string({ error: ({ input }) => `expected a text, found ${foundKind(input)}, put it in quotes` })
    .refine((value) => !value.includes('\0'), 'expected a text, found a NUL in it')
    .prefault(''),
).transform((values) => Object.fromEntries(values))
