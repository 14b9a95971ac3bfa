import type { Row } from './history.ts'

// The rows that are read here:
//   queued   { job }          the forge has a job for somebody
//   deliver  { job }          the forge tells so; `ok` is a 2xx
//   start    { job, key }     the dispatcher is asked for a runner; `ok`: one came, `fail`: refused, `info`: broken off, and none came
//   took     { job, runner }  a runner took the job;  ended { job }  it is done
//   read     { jobs }         the jobs that the service lists at the end
//   kill

export interface Rules {
  /** Milliseconds for which a start of which nobody knows what became of it has to be waited for, from when the request came. */
  patience: number
  /** Runners that may live at once. */
  max: number
}

/** What a history breaks, by job; all empty when nothing was lost or doubled. */
export interface Findings {
  /** Answered 2xx, and not in the last reading, or never given to a runner. */
  lost: string[]
  /**
   * Starts that were one too many when they were asked for, by the job that they named. A runner takes whichever job fits it, so they are
   * counted in sum: never more than jobs were queued until then. One that was refused (`fail`) does not count. One that was broken off and
   * brought no runner (`info`) counts until `patience`: then nobody need wait for it any more. All others count for good.
   */
  doubled: string[]
  /** One `Idempotency-Key` that was used twice: this dispatcher may not be asked again. */
  repeated: string[]
  /** The most runners that lived at once, where that is more than `max`. */
  overfull: number[]
  /** Ends without a beginning, and the like: the history itself is wrong. */
  broken: string[]
}

export function check(rows: readonly Row[], rules: Rules): Findings {
  return {
    lost: lost(rows),
    doubled: doubled(rows, rules.patience),
    repeated: twice(rows.filter(isStart).map(({ value }) => String(value.key))),
    overfull: overfull(rows, rules.max),
    broken: broken(rows),
  }
}

/** How much was tried: a history in which little happened proves little. */
export function extent(rows: readonly Row[]): {
  kills: number
  acknowledged: number
  started: number
  unclear: number
} {
  const count = (f: string, type: Row['type']) => rows.filter((row) => row.f === f && row.type === type)
  return {
    kills: count('kill', 'info').length,
    acknowledged: new Set(count('deliver', 'ok').map(jobOf)).size,
    started: count('start', 'ok').length,
    unclear: count('deliver', 'info').length + count('start', 'info').length,
  }
}

const jobOf = ({ value }: Row): string => String(value.job)
const isStart = ({ f, type }: Row) => f === 'start' && type === 'invoke'

function lost(rows: readonly Row[]): string[] {
  const acknowledged = new Set(rows.filter(({ f, type }) => f === 'deliver' && type === 'ok').map(jobOf))
  const listed = new Set(rows.findLast(({ f, type }) => f === 'read' && type === 'ok')?.value.jobs as string[])
  const taken = new Set(rows.filter(({ f }) => f === 'took').map(jobOf))
  return [...acknowledged].filter((job) => !listed.has(job) || !taken.has(job))
}

function doubled(rows: readonly Row[], patience: number): string[] {
  const ends = new Map(
    rows.filter(({ f, type }) => f === 'start' && type !== 'invoke').map((row) => [row.process, row]),
  )
  const endOf = ({ process }: Row) => ends.get(process)?.type ?? 'info'
  let queued = 0
  let came = 0
  let unclear: number[] = []
  return rows.flatMap((row) => {
    if (row.f === 'queued') queued++
    if (!isStart(row)) return []
    unclear = unclear.filter((at) => at + patience > row.t)
    if (endOf(row) === 'ok') came++
    if (endOf(row) === 'info') unclear.push(row.t)
    return endOf(row) !== 'fail' && came + unclear.length > queued ? jobOf(row) : []
  })
}

/** A runner lives from the request for it, where one came of it, until its job is done. */
function overfull(rows: readonly Row[], max: number): number[] {
  const came = new Set(rows.filter(({ f, type }) => f === 'start' && type === 'ok').map(({ process }) => process))
  let live = 0
  let most = 0
  for (const row of rows) {
    if (isStart(row) && came.has(row.process)) live++
    if (row.f === 'ended') live--
    most = Math.max(most, live)
  }
  return most > max ? [most] : []
}

function broken(rows: readonly Row[]): string[] {
  const open = new Map<string, string>()
  const wrong: string[] = []
  for (const { process, type, f } of rows) {
    if (type === 'invoke') {
      if (open.has(process)) wrong.push(`${process} began ${f} before it was through with ${open.get(process)}`)
      open.set(process, f)
    } else if (type !== 'info' || open.has(process)) {
      if (open.get(process) !== f) wrong.push(`${process} ended a ${f} that it had not begun`)
      open.delete(process)
    }
  }
  if (!rows.some(({ f, type }) => f === 'read' && type === 'ok')) wrong.push('nobody read the jobs at the end')
  return wrong
}

function twice(keys: readonly string[]): string[] {
  return keys.filter((key, index) => keys.indexOf(key) !== index)
}
