const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** A length of time as people say it: `4 s`, `3 min`, `2 h 5 min`, `3 days`. */
export function span(ms: number): string {
  if (ms < second) return 'under 1 s'
  if (ms < 2 * minute) return `${Math.round(ms / second)} s`
  if (ms < 2 * hour) return `${Math.round(ms / minute)} min`
  const minutes = Math.round(ms / minute)
  if (ms < 2 * day)
    return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return `${Math.round(ms / day)} days`
}

/** A moment: `14:05 UTC`, with its seconds where it is near, and with its day where that is another. */
export function moment(at: number, now: number): string {
  const text = new Date(at).toISOString()
  const time = Math.abs(at - now) < 2 * minute ? text.slice(11, 19) : text.slice(11, 16)
  const isToday = text.slice(0, 10) === new Date(now).toISOString().slice(0, 10)
  return `${isToday ? '' : `${text.slice(0, 10)} `}${time} UTC`
}

/** A moment to come, with how long it is until then. */
export function inWhile(at: number, now: number): string {
  return at <= now ? 'any moment' : `${moment(at, now)} (in ${span(at - now)})`
}

export function plural(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[], joint = 'and'): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${joint} ${last}`
}
