import { styleText } from 'node:util'
import { span } from '../core/wording.ts'
import { printable } from './printable.ts'
import type { DispatcherStatus, InstanceStatus, Status, TargetStatus, WaitingJob } from './status-facts.ts'

export interface Look {
  /** Columns; longer lines are cut. */
  width: number
  colours: boolean
  /** Epoch milliseconds, for how long ago things were. */
  now: number
}

type Style = Parameters<typeof styleText>[0]

/** A piece of a line. Its text comes from anywhere, its style from here. */
interface Piece {
  text: string
  style?: Style
}

type Line = readonly (string | Piece)[]

/** What a service is at, as lines for a terminal. */
export function statusLines(status: Status, look: Look): string[] {
  const lines = [
    ...section(
      'Instances',
      status.instances.flatMap((one) => instanceLines(one, status.instances, look)),
    ),
    ...section('Targets', targetLines(status.targets, look)),
    ...section(
      'Dispatchers',
      status.dispatchers.map((one) => dispatcherLine(one, status.dispatchers, look)),
    ),
    ...waitingLines(status, look),
  ]
  return lines.map((line) => drawn(line, look))
}

function section(title: string, lines: readonly Line[]): Line[] {
  return [[{ text: title, style: 'bold' }], ...(lines.length > 0 ? lines : [['  none']]), ['']]
}

function instanceLines(instance: InstanceStatus, all: readonly InstanceStatus[], { now }: Look): Line[] {
  const { name, forge, mode, health, paused, pause, dry_run, last_look, next_look_at, webhook } = instance
  const state: Piece = paused
    ? { text: 'PAUSED', style: 'yellow' }
    : { text: health, style: health === 'failing' ? 'red' : health === 'good' ? 'green' : 'dim' }
  const delivery = webhook ? `delivery ${ago(webhook.last_delivery_at, now)}` : 'no webhook'
  const next = next_look_at === null ? '' : `, next ${soon(next_look_at, now)}`
  const lines: Line[] = [
    [
      `  ${pad(
        name,
        widest(all, (one) => one.name),
      )}  ${forge.padEnd(7)}  ${pad(mode ?? 'starting', 12)}  `,
      { ...state, text: state.text.padEnd(8) },
      `  ${delivery}, look ${ago(last_look?.began_at ?? null, now)}${next}${dry_run ? ', dry run' : ''}`,
    ],
  ]
  if (paused && pause) {
    const by = pause.by === null ? '' : ` by ${pause.by}`
    const why = pause.reason === null ? '' : `: ${pause.reason}`
    lines.push(['    ', { text: `paused ${ago(pause.at, now)}${by}${why}`, style: 'yellow' }])
  }
  if (last_look && last_look.error !== null)
    lines.push(['    ', { text: `the last look failed: ${last_look.error}`, style: 'red' }])
  return lines
}

const barWidth = 20

function targetLines(targets: readonly TargetStatus[], { now }: Look): Line[] {
  if (targets.length === 0) return []
  const nameOf = ({ instance, name }: TargetStatus) => `${instance}/${name}`
  const longest = widest(targets, nameOf)
  const head: Line = [{ text: `  ${' '.repeat(longest + barWidth + 2)}  busy  idle  boot  queued  max`, style: 'dim' }]
  const rows = targets.map((target): Line => {
    const { runners, jobs, max, min_idle, next_change_at, next_min_idle } = target
    const change = next_change_at === null ? '' : `, ${next_min_idle} ${soon(next_change_at, now)}`
    const idle = min_idle > 0 || change !== '' ? `  min_idle ${min_idle}${change}` : ''
    return [
      `  ${pad(nameOf(target), longest)}  `,
      ...bar(target),
      `  ${column(runners.busy, 4)}  ${column(runners.idle, 4)}  ${column(runners.booting, 4)}  `,
      { text: column(jobs.queued, 6), style: jobs.queued > 0 ? 'yellow' : undefined },
      `  ${column(max, 3)}${idle}`,
    ]
  })
  return [head, ...rows]
}

/** The share of `max` that each state takes; whatever is there at all is seen. */
function bar({ runners: { busy, idle, booting }, max }: TargetStatus): Piece[] {
  const whole = Math.max(max, busy + idle + booting, 1)
  let left = barWidth
  const share = (count: number, mark: string, style: Style): Piece => {
    const cells = count === 0 ? 0 : Math.min(left, Math.max(1, Math.round((count / whole) * barWidth)))
    left -= cells
    return { text: mark.repeat(cells), style }
  }
  const pieces = [share(busy, '█', 'green'), share(idle, '▒', 'cyan'), share(booting, '░', 'yellow')]
  return [...pieces, { text: '·'.repeat(left), style: 'dim' }]
}

function dispatcherLine(dispatcher: DispatcherStatus, all: readonly DispatcherStatus[], { now }: Look): Line {
  const { name, kind, live, max_parallel, requests, blocking, breaker } = dispatcher
  const room = max_parallel === null ? `${live} live` : `${live} of ${max_parallel} live`
  const failing = `open after ${breaker.failures} failures, next try ${soon(breaker.next_try_at ?? '', now)}`
  return [
    `  ${pad(
      name,
      widest(all, (one) => one.name),
    )}  ${kind.padEnd(10)}  ${room.padEnd(12)}  `,
    breaker.state === 'open' ? { text: failing, style: 'red' } : { text: 'closed', style: 'green' },
    `${blocking ? ', blocking' : ''}${requests > 0 ? `, ${requests} requests wait` : ''}`,
  ]
}

function waitingLines({ waiting, targets, oldest_uncovered_job: oldest }: Status, { now }: Look): Line[] {
  const queued = Math.max(
    waiting.length,
    targets.reduce((sum, { jobs }) => sum + jobs.queued, 0),
  )
  if (queued === 0) return [[{ text: 'No job waits', style: 'bold' }]]
  const nameOf = ({ instance, id }: WaitingJob) => `${instance}/${id}`
  const since = (job: Pick<WaitingJob, 'queued_at'> & { first_seen_at?: string }) =>
    span(Math.max(0, now - Date.parse(job.queued_at ?? job.first_seen_at ?? '')))
  const uncovered = oldest === null ? '' : `; nothing covers ${oldest.instance}/${oldest.id}, for ${since(oldest)}`
  const head: Line = [{ text: `${queued === 1 ? '1 job waits' : `${queued} jobs wait`}${uncovered}`, style: 'bold' }]
  const [ages, names] = [widest(waiting, since), widest(waiting, nameOf)]
  const rows = waiting.map(
    (job): Line => [
      `  ${pad(since(job), ages)}  ${pad(nameOf(job), names)}  `,
      { text: pad(job.verdict ?? 'new', 15), style: needsSomebody(job) ? 'red' : undefined },
      `  ${job.name} [${job.labels.join(', ')}]: ${job.sentence}`,
    ],
  )
  const more = queued - waiting.length
  return [head, ...rows, ...(more > 0 ? [[`  … and ${more} more`]] : [])]
}

/** It waits for a person rather than for time. */
function needsSomebody({ verdict }: WaitingJob): boolean {
  return ['unmatched', 'not_allowed', 'stuck', 'dispatcher_down'].includes(verdict ?? '')
}

function ago(time: string | null, now: number): string {
  return time === null ? 'never' : `${span(Math.max(0, now - Date.parse(time)))} ago`
}

function soon(time: string, now: number): string {
  const left = Date.parse(time) - now
  return left > 0 ? `in ${span(left)}` : 'now'
}

const longestName = 32

function widest<T>(all: readonly T[], text: (one: T) => string): number {
  return Math.min(longestName, Math.max(0, ...all.map((one) => printable(text(one)).length)))
}

function pad(text: string, width: number): string {
  const shown = printable(text)
  return shown.length > width ? `${shown.slice(0, width - 1)}…` : shown.padEnd(width)
}

function column(number: number, width: number): string {
  return String(number).padStart(width)
}

/** Cut to the width before it is coloured, so that no style is left open. */
function drawn(line: Line, { width, colours }: Look): string {
  let left = width
  return line
    .map((piece) => {
      const { text, style } = typeof piece === 'string' ? { text: piece } : piece
      const shown = [...printable(text)].slice(0, left).join('')
      left -= [...shown].length
      return colours && style && shown !== '' ? styleText(style, shown, { validateStream: false }) : shown
    })
    .join('')
    .trimEnd()
}
