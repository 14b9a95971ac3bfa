import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { check, extent } from './checker.ts'
import { History, type Row, type Value } from './history.ts'

const rules = { patience: 1_000, max: 2 }

/** A history in which all is well with job 1, with rows put in or changed. */
function aHistory(change: (rows: Row[]) => Row[] = (rows) => rows): Row[] {
  return change([
    row('forge', 'info', 'queued', { job: '1' }, 0),
    row('forge-1', 'invoke', 'deliver', { job: '1' }, 0),
    row('forge-1', 'ok', 'deliver', { job: '1' }, 10),
    ...aStart({ process: 'dispatcher-2', key: 'a', from: 20 }),
    row('forge', 'info', 'took', { job: '1', runner: 'r' }, 30),
    row('forge', 'info', 'ended', { job: '1' }, 40),
    row('reader-3', 'invoke', 'read', {}, 9_000),
    row('reader-3', 'ok', 'read', { jobs: ['1'] }, 9_010),
  ])
}

function row(process: string, type: Row['type'], f: string, value: Value, t: number): Row {
  return { process, type, f, value, t }
}

interface Start {
  process: string
  key: string
  from: number
  end?: 'ok' | 'fail' | 'info' | 'none'
  job?: string
}

function aStart({ process, key, from, end = 'ok', job = '1' }: Start): Row[] {
  const began = row(process, 'invoke', 'start', { job, key }, from)
  return end === 'none' ? [began] : [began, row(process, end, 'start', { job, key }, from + 5)]
}

/** The good history with these rows where they belong by their time. */
function withRows(...more: Row[]): Row[] {
  return aHistory((rows) => [...rows, ...more].sort((a, b) => a.t - b.t))
}

/** The good history with job 1 first asked for without success, and then again. */
function withFirst(end: 'fail' | 'info' | 'none', after: number): Row[] {
  const first = aStart({ process: 'dispatcher-9', key: 'z', from: 15, end })
  const late = (one: Row) => (one.t >= 20 && one.t < 9_000 ? { ...one, t: one.t - 20 + 15 + after } : one)
  return aHistory((rows) => [...rows.map(late), ...first].sort((a, b) => a.t - b.t))
}

test('a good history breaks nothing', () => {
  const none = { lost: [], doubled: [], repeated: [], overfull: [], broken: [] }
  expect(check(aHistory(), rules)).toEqual(none)
})

test('a job that was acknowledged and that nobody lists at the end is lost', () => {
  const rows = aHistory((all) => all.map((one) => (one.f === 'read' ? { ...one, value: { jobs: [] } } : one)))
  expect(check(rows, rules).lost).toEqual(['1'])
})

test('a job that was acknowledged and never got a runner is lost', () => {
  expect(
    check(
      aHistory((rows) => rows.filter(({ f }) => f !== 'took')),
      rules,
    ).lost,
  ).toEqual(['1'])
})

test.each(['fail', 'info'] as const)('a job whose only delivery was "%s" is not lost', (type) => {
  const unanswered = (one: Row) => (one.f === 'deliver' && one.type === 'ok' ? { ...one, type } : one)
  const rows = aHistory((all) => all.map(unanswered).filter(({ f }) => f !== 'took'))
  expect(check(rows, rules).lost).toEqual([])
})

test('a second runner for one job is doubled, whenever it is asked for', () => {
  for (const from of [22, 5_000])
    expect(check(withRows(...aStart({ process: 'dispatcher-9', key: 'b', from })), rules).doubled).toEqual(['1'])
})

test('a refused start excuses the next one at once', () => {
  expect(check(withFirst('fail', 10), rules).doubled).toEqual([])
})

test.each(['info', 'none'] as const)('a start whose end is "%s" excuses one more, but not before its time', (end) => {
  expect(check(withFirst(end, 500), rules).doubled).toEqual(['1'])
  expect(check(withFirst(end, 1_500), rules).doubled).toEqual([])
})

test('one excuse does not serve for two', () => {
  const third = aStart({ process: 'dispatcher-8', key: 'y', from: 4_000 })
  const rows = [...withFirst('fail', 10), ...third].sort((a, b) => a.t - b.t)
  expect(check(rows, rules).doubled).toEqual(['1'])
})

test('a key that is used twice is found, even for another job', () => {
  const again = aStart({ process: 'dispatcher-9', key: 'a', from: 50, job: '2' })
  expect(check(withRows(...again), rules).repeated).toEqual(['a'])
})

test('a start is in time for a job that was queued meanwhile, whichever job it names', () => {
  const second = row('forge', 'info', 'queued', { job: '2' }, 50)
  expect(check(withRows(second, ...aStart({ process: 'dispatcher-9', key: 'b', from: 60 })), rules).doubled).toEqual([])
})

test('more runners at once than max are found', () => {
  const more = ['2', '3', '4'].flatMap((job) => aStart({ process: `dispatcher-${job}`, key: job, from: 50, job }))
  expect(check(withRows(...more), rules).overfull).toEqual([3])
})

test('a history that contradicts itself proves nothing', () => {
  expect(
    check(
      aHistory((rows) => rows.slice(2)),
      rules,
    ).broken,
  ).toHaveLength(1)
  expect(check(withRows(row('forge-1', 'invoke', 'deliver', { job: '1' }, 5)), rules).broken).toHaveLength(1)
  expect(
    check(
      aHistory((rows) => rows.slice(0, -1)),
      rules,
    ).broken,
  ).toHaveLength(1)
})

test('what was tried is counted', () => {
  const rows = withRows(row('nemesis', 'info', 'kill', {}, 12))
  expect(extent(rows)).toEqual({ kills: 1, acknowledged: 1, started: 1, unclear: 0 })
})

test('a history is read back from its file as it was written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-history-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const history = new History(join(folder, 'history.jsonl'))
  const end = history.invoke('forge', 'deliver', { job: '1' })
  history.note('nemesis', 'kill')
  end('ok', { status: 202 })
  expect(history.rows()).toMatchObject([
    { process: 'forge-1', type: 'invoke', f: 'deliver', value: { job: '1' } },
    { process: 'nemesis', type: 'info', f: 'kill' },
    { process: 'forge-1', type: 'ok', f: 'deliver', value: { job: '1', status: 202 } },
  ])
})
