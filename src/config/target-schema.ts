import { Cron } from 'croner'
import { z } from 'zod'
import { isTree, mapping, type Tell, type Tree, valueAt } from '../fields/mapping.ts'
import { found, told } from '../fields/refusal.ts'
import { durationOf, flag, name, optionalText, type Reading, text, variables, wholeNumber } from '../fields.ts'
import { dispatcherOrName } from './dispatcher-schema.ts'

export const label = text('a label of 1 to 256 characters', /^(?=.*\S)\P{Cc}{1,256}$/u)

const usualTtl = 3_600_000
const usualMax = 20

const schedule = mapping(
  {
    cron: text('a cron pattern of five fields, such as "0 8 * * 1-5"', /^\s*\S+(\s+\S+){4}\s*$/),
    timezone: text('the name of a time zone, such as Europe/Berlin', /^[\w+/-]+$/).optional(),
    min_idle: wholeNumber(0),
  },
  ({ cron, timezone }, tell) => {
    if (timezone !== undefined && !isTimezone(timezone)) {
      tell(['timezone'], told('the name of a time zone, such as Europe/Berlin')({ input: timezone }))
    }
    const wrong = cron === undefined ? null : cronMistake(cron)
    if (wrong) tell(['cron'], `expected a cron pattern of five fields, found ${found(cron)}, ${wrong}`)
  },
).transform(({ cron, timezone, min_idle }) => ({ cron, timezone: timezone ?? null, minIdle: min_idle }))

export type WrittenTarget = z.output<ReturnType<typeof target>>

/** One entry of `targets`. */
export function target(reading: Reading) {
  const shape = {
    name: name.optional(),
    labels: z.array(label, { error: told('a list of labels') }).min(1, { error: told('at least one label') }),
    dispatcher: dispatcherOrName(reading).nullable().default(null),
    min_idle: wholeNumber(0).default(0),
    max: wholeNumber(1, 10_000).optional(),
    // 0 is the ancestor's way to say: as usual.
    ttl: durationOf()
      .transform((ms) => ms || usualTtl)
      .prefault(usualTtl / 1_000),
    boot_timeout: durationOf({ least: 1 }).prefault('5m'),
    idle_timeout: durationOf({ least: 1 }).prefault('5m'),
    priority: wholeNumber(Number.MIN_SAFE_INTEGER).default(0),
    match_unlabelled: flag.default(false),
    schedule: z.array(schedule, { error: told('a list of {cron, timezone, min_idle}') }).default([]),
    allow_repos: z.array(repositories, { error: told('a list of repositories') }).default([]),
    machine_type: optionalText,
    image: optionalText,
    env: variables.prefault({}),
    fallback: z.array(name, { error: told('a list of names of dispatchers', 'such as [cloud]') }).default([]),
  }
  return mapping(shape, checkBounds).transform((fields) => ({
    ...fields,
    max: fields.max ?? Math.max(usualMax, fields.min_idle),
  }))
}

const repositories = text(
  'a repository as owner/name, in which * stands for anything',
  /^([^\s/]+\/[^\s/]+|\*)$/,
  'such as "hackclub/*"',
)

/** The schedule is taken as written: of a list with one bad entry nothing could be read. */
function checkBounds(
  { min_idle = 0, max }: { min_idle?: number; max?: number | undefined },
  tell: Tell,
  written: Tree,
): void {
  if (max === undefined && valueAt(written, 'max') !== undefined) return
  const most = max ?? Math.max(usualMax, min_idle)
  const check = (path: (string | number)[], idle: unknown) => {
    if (typeof idle === 'number' && idle > most)
      tell([...path, 'min_idle'], `expected at most max (${most}), found ${idle}, raise max or lower min_idle`)
  }
  check([], min_idle)
  const schedule = valueAt(written, 'schedule')
  if (!Array.isArray(schedule)) return
  schedule.forEach((entry: unknown, index) => {
    if (isTree(entry)) check(['schedule', index], valueAt(entry, 'min_idle'))
  })
}

function isTimezone(timezone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** What croner says against a pattern; null when it is content. */
function cronMistake(cron: string): string | null {
  try {
    new Cron(cron, { paused: true, mode: '5-part' }).stop()
    return null
  } catch (error) {
    return String(error instanceof Error ? error.message : error).replace(/^CronPattern: /, '')
  }
}
