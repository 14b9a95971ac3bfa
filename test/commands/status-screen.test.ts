import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type {
  DispatcherStatus,
  InstanceStatus,
  Status,
  TargetStatus,
  WaitingJob,
} from '../../src/commands/status-facts.ts'
import { statusLines } from '../../src/commands/status-screen.ts'
import { at } from '../support/builders.ts'

const time = (text: string) => new Date(at(text)).toISOString()

function anInstance(over: Partial<InstanceStatus> = {}): InstanceStatus {
  return {
    name: 'home',
    forge: 'forgejo',
    mode: 'webhook',
    health: 'good',
    dry_run: false,
    paused: false,
    pause: null,
    last_look: { began_at: time('11:58:00'), complete: true, error: null },
    next_look_at: time('12:03:00'),
    webhook: { last_delivery_at: time('11:59:57') },
    ...over,
  }
}

function aTarget(over: Partial<TargetStatus> = {}): TargetStatus {
  return {
    instance: 'home',
    name: 'linux',
    min_idle: 0,
    next_change_at: null,
    next_min_idle: null,
    max: 20,
    live: 0,
    runners: { booting: 0, idle: 0, busy: 0, unseen: 0 },
    jobs: { queued: 0, running: 0 },
    ...over,
  }
}

function aDispatcher(over: Partial<DispatcherStatus> = {}): DispatcherStatus {
  return {
    name: 'default',
    kind: 'docker',
    max_parallel: null,
    live: 0,
    requests: 0,
    blocking: false,
    breaker: { state: 'closed', failures: 0, next_try_at: null },
    ...over,
  }
}

function aWaitingJob(over: Partial<WaitingJob> = {}): WaitingJob {
  return {
    instance: 'home',
    id: '4711',
    round: 1,
    name: 'build',
    verdict: 'full',
    reason: 'max',
    target: 'linux',
    labels: ['linux'],
    repository: 'acme/widgets',
    queued_at: time('11:56:00'),
    first_seen_at: time('11:56:00'),
    sentence: 'target linux is full: 20 of 20 runners live',
    ...over,
  }
}

function told(over: Partial<Status> = {}, look: Partial<Parameters<typeof statusLines>[1]> = {}): string[] {
  const status: Status = {
    at: time('12:00:00'),
    instances: [anInstance()],
    targets: [aTarget()],
    dispatchers: [aDispatcher()],
    waiting: [],
    oldest_uncovered_job: null,
    ...over,
  }
  return statusLines(status, { width: 120, colours: false, now: at('12:00:00'), ...look })
}

test('everything of a service that is well fits on a few lines', () => {
  expect(told()).toEqual([
    'Instances',
    '  home  forgejo  webhook       good      delivery 3 s ago, look 2 min ago, next in 3 min',
    '',
    'Targets',
    '                                    busy  idle  boot  queued  max',
    '  home/linux  ····················     0     0     0       0   20',
    '',
    'Dispatchers',
    '  default  docker      0 live        closed',
    '',
    'No job waits',
  ])
})

test('a paused instance says by whom, since when and why, a failing one what went wrong', () => {
  const paused = anInstance({
    paused: true,
    pause: { at: time('10:00:00'), by: 'alice', reason: 'the disk is being replaced' },
  })
  const failing = anInstance({
    name: 'team',
    health: 'failing',
    last_look: { began_at: time('11:59:00'), complete: false, error: 'GET /api/v1/version: 502' },
    webhook: null,
    next_look_at: null,
  })
  const starting = anInstance({ name: 'new', mode: null, health: 'starting', last_look: null, dry_run: true })
  expect(told({ instances: [paused, failing, starting] }).slice(1, 6)).toEqual([
    '  home  forgejo  webhook       PAUSED    delivery 3 s ago, look 2 min ago, next in 3 min',
    '    paused 2 h ago by alice: the disk is being replaced',
    '  team  forgejo  webhook       failing   no webhook, look 60 s ago',
    '    the last look failed: GET /api/v1/version: 502',
    '  new   forgejo  starting      starting  delivery 3 s ago, look never, next in 3 min, dry run',
  ])
})

test.each([
  [{ busy: 10, idle: 5, booting: 5, unseen: 0 }, 20, '██████████▒▒▒▒▒░░░░░'],
  [{ busy: 1, idle: 0, booting: 0, unseen: 0 }, 1_000, '█···················'],
  [{ busy: 998, idle: 1, booting: 1, unseen: 0 }, 1_000, '████████████████████'],
  [{ busy: 0, idle: 3, booting: 0, unseen: 0 }, 2, '▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒'],
])('the bar of a target shows the share of each state: %o of %i', (runners, max, bar) => {
  expect(told({ targets: [aTarget({ runners, max })] })[5]?.slice(14, 34)).toBe(bar)
})

test('a target with a schedule tells what min_idle is and will be', () => {
  const scheduled = aTarget({ min_idle: 2, next_change_at: time('14:05:00'), next_min_idle: 5 })
  expect(told({ targets: [scheduled] })[5]).toContain('min_idle 2, 5 in 2 h 5 min')
})

test('a dispatcher tells its room, what waits for it, and when its open breaker tries again', () => {
  const down = aDispatcher({
    max_parallel: 10,
    live: 3,
    requests: 2,
    blocking: true,
    breaker: { state: 'open', failures: 4, next_try_at: time('12:00:08') },
  })
  expect(told({ dispatchers: [down] })[8]).toBe(
    '  default  docker      3 of 10 live  open after 4 failures, next try in 8 s, blocking, 2 requests wait',
  )
})

test('waiting jobs are told with their reason, the oldest first, and the others in number', () => {
  const lines = told({
    targets: [aTarget({ jobs: { queued: 4, running: 0 } })],
    waiting: [aWaitingJob(), aWaitingJob({ id: '9', verdict: null, sentence: 'no turn has seen it yet' })],
    oldest_uncovered_job: { instance: 'home', id: '4711', queued_at: time('11:56:00') },
  })
  expect(lines.slice(-4)).toEqual([
    '4 jobs wait; nothing covers home/4711, for 4 min',
    '  4 min  home/4711  full             build [linux]: target linux is full: 20 of 20 runners live',
    '  4 min  home/9     new              build [linux]: no turn has seen it yet',
    '  … and 2 more',
  ])
})

test('no line is longer than the terminal is wide, with colours too', () => {
  const waiting = [aWaitingJob({ sentence: 'a long story '.repeat(40) })]
  for (const width of [20, 40, 80]) {
    for (const colours of [false, true]) {
      const lines = told({ waiting }, { width, colours })
      expect(Math.max(...lines.map((line) => stripVTControlCharacters(line).length))).toBeLessThanOrEqual(width)
    }
  }
})

test('colours are used only where they are wanted, and none is left on at the end of a line', () => {
  expect(told({ waiting: [aWaitingJob()] }).join('')).not.toContain('\x1b')
  const coloured = told({ instances: [anInstance({ health: 'failing' })] }, { colours: true })
  expect(coloured[1]).toContain('\x1b[31mfailing ')
  for (const line of coloured) {
    const codes = line.split('\x1b[').slice(1)
    expect(codes.filter((_, index) => index % 2 === 1).every((code) => /^(39|22)m/.test(code))).toBe(true)
    expect(codes.length % 2).toBe(0)
  }
})

test('what others named cannot move the cursor or turn the text around', () => {
  const evil = 'x\x1b[2J\u202e'
  const lines = told({
    instances: [anInstance({ name: evil, paused: true, pause: { at: time('11:00:00'), by: evil, reason: evil } })],
    targets: [aTarget({ name: evil })],
    dispatchers: [aDispatcher({ name: evil })],
    waiting: [aWaitingJob({ name: evil, labels: [evil], sentence: evil })],
  })
  expect(lines.join('')).not.toContain('\x1b')
  expect(lines.join('')).not.toContain('\u202e')
})

test('a service without instances says so', () => {
  expect(told({ instances: [], targets: [], dispatchers: [] }).filter((line) => line === '  none')).toHaveLength(3)
})
