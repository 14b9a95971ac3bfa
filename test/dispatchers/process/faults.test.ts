import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pid } from 'node:process'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import type { Credential } from '../../../src/core/credential.ts'
import type { Dispatcher, LaunchRequest } from '../../../src/dispatchers/dispatcher.ts'
import { markOf } from '../../../src/dispatchers/process/life.ts'
import type { ProcessOptions } from '../../../src/dispatchers/process/options.ts'
import { type RunnerRecord, recordsIn } from '../../../src/dispatchers/process/record.ts'
import { aRequest, canary, never } from '../contract.ts'
import { aPlace, noLimits, type ProcessPlace } from './place.ts'

// The table of docs/dispatchers/process.md, row by row.

let place: ProcessPlace
let dispatcher: Dispatcher
beforeEach(async () => {
  place = await aPlace()
})
afterEach(async () => {
  await dispatcher.close?.()
  await place.close()
})

type Outcome = 'refused' | 'unknown' | 'accepted'

interface Fault {
  options?: (place: ProcessPlace) => Partial<ProcessOptions>
  request?: Partial<LaunchRequest>
  /** It needs a program of ours to answer in time: by the wall, for a busy machine. */
  slowly?: true
  /** What was so before it is asked. */
  before?: (request: LaunchRequest) => Promise<unknown>
  /** It is given up so soon. */
  givenUpAfter?: () => Promise<unknown>
}

const shared: Credential = { kind: 'registration-token', forge: 'forgejo', url: 'http://127.0.0.1:3000', token: canary }
const jit: Credential = { kind: 'jit', url: 'https://github.com/acme', config: canary }
const part = (name: string) => ({ env: { STAND_IN_PART: name } })
const called = () => vi.waitFor(async () => expect(await place.told()).toHaveLength(1), { timeout: 10_000 })

async function recorded(request: LaunchRequest, over: (here: { pid: number; mark: string }) => Partial<RunnerRecord>) {
  const here = (await markOf(pid)) ?? { pid, mark: '' }
  const { id, name, ttl } = request
  const now = Date.now()
  const times = { startedAt: now, deadline: now + ttl, endedAt: null }
  const record = { version: 1 as const, owner: 'muster', id, name, starter: here, runner: null, ...times }
  await recordsIn(place.workDir).claim({ ...record, ...over(here) })
}

const faults: [string, Outcome, Fault][] = [
  ['the runner is not on PATH', 'refused', { options: () => ({ env: { PATH: '/nowhere' } }) }],
  ['the command is not there', 'refused', { options: () => ({ command: ['/opt/no-such-runner'] }) }],
  [
    'the runner is too old',
    'refused',
    { slowly: true, options: () => ({ env: { STAND_IN_VERSION: 'forgejo-runner version v12.7.0' } }) },
  ],
  ['the runner tells no version', 'accepted', { options: () => ({ env: { STAND_IN_VERSION: 'devel' } }) }],
  ['work_dir cannot be made', 'refused', { options: () => ({ workDir: '/dev/null/work' }) }],
  ['a limit is above what may be had', 'refused', { options: () => ({ limits: { ...noLimits, openFiles: 2 ** 31 } }) }],
  ['the forge gave no credential', 'refused', { request: { credential: null } }],
  ['the arguments are too long for the system', 'refused', { request: { labels: ['x'.repeat(200_000)] } }],
  ['the forge refuses the registration', 'refused', { request: { credential: shared, ...part('refuse') } }],
  ['the registration does not end within 60 s', 'refused', { request: { credential: shared, ...part('endless') } }],
  [
    'it is given up before the runner began',
    'refused',
    { request: { credential: shared, ...part('endless') }, givenUpAfter: called },
  ],
  [
    'the id belongs to another owner',
    'refused',
    { before: (request) => recorded(request, () => ({ owner: 'somebody' })) },
  ],
  ['another process is starting it', 'unknown', { before: (request) => recorded(request, () => ({})) }],
  [
    'its record cannot be read',
    'unknown',
    {
      async before({ id }) {
        await mkdir(join(place.workDir, '.records'), { recursive: true })
        await writeFile(join(place.workDir, '.records', `${id}.json`), 'half of a rec')
      },
    },
  ],
  [
    'a process that died had begun to start it',
    'accepted',
    { before: (request) => recorded(request, () => ({ starter: { pid, mark: 'gone' } })) },
  ],
  [
    'it was started before, and runs',
    'accepted',
    { before: (request) => recorded(request, (here) => ({ runner: here })) },
  ],
  [
    'it was started before, and has ended',
    'accepted',
    { before: (request) => recorded(request, (here) => ({ runner: here, endedAt: 1 })) },
  ],
  ['the runner fails as soon as it runs', 'accepted', { request: part('fail') }],
  ['GitHub turns the version of the runner away', 'accepted', { request: { credential: jit, ...part('deprecated') } }],
]

const names: Record<string, Outcome> = { DispatchRefused: 'refused', DispatchUnknown: 'unknown' }

test.each(faults)('%s: %s', async (_, expected, { options, request: over, slowly, before, givenUpAfter }) => {
  dispatcher = place.dispatcher('muster', options?.(place), slowly && { clock: systemClock })
  const request = aRequest(over)
  await before?.(request)
  const giveUp = new AbortController()
  const outcome = dispatcher.launch(request, givenUpAfter ? giveUp.signal : never).then(
    (): Outcome => 'accepted',
    (error: Error) => names[error.name] ?? error.name,
  )
  await givenUpAfter?.()
  giveUp.abort()
  expect(await outcome).toBe(expected)
})

test('the table of the documentation has these rows', async () => {
  const page = new URL('../../../docs/dispatchers/process.md', import.meta.url)
  const text = await readFile(page, 'utf8')
  const rows = [...text.matchAll(/^\| (.+?) \| \*\*(refused|unknown|accepted)\*\*/gm)].map(([, fault, outcome]) => [
    fault,
    outcome,
  ])
  expect(rows).toEqual(faults.map(([fault, outcome]) => [fault, outcome]))
})
