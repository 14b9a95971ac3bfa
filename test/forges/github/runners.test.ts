import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { aRunnerRow } from '../../fixtures/github/rows.ts'
import { at } from '../../support/builders.ts'
import { network } from '../../support/network.ts'
import { API, aGithub, authorised, enterprise, never, organization, refusal, repository } from './github.ts'

const places = [
  { level: 'repository', scope: repository, place: '/repos/acme/widgets' },
  { level: 'organization', scope: organization, place: '/orgs/acme' },
  { level: 'enterprise', scope: enterprise, place: '/enterprises/acme-corp' },
]

function runnersAre(rows: object[], place = '/repos/acme/widgets') {
  network.use(
    http.get(
      `${API}${place}/actions/runners`,
      authorised(() => HttpResponse.json({ total_count: rows.length, runners: rows })),
    ),
  )
}

function register(labels: readonly string[], scope = repository) {
  return aGithub({ scope }).register({ name: 'muster-7', labels, handle: null }, never())
}

/** Registers as GitHub does, and answers what it was asked for. */
function registers(place = '/repos/acme/widgets') {
  const asked: unknown[] = []
  network.use(
    http.post(
      `${API}${place}/actions/runners/generate-jitconfig`,
      authorised(async ({ request }) => {
        asked.push(await request.clone().json())
        return HttpResponse.json({ runner: aRunnerRow(23), encoded_jit_config: 'eyIucnVubmVyIjoi' }, { status: 201 })
      }),
    ),
  )
  return asked
}

function removal(answer: () => HttpResponse<null> | ReturnType<typeof refusal>) {
  network.use(http.delete(`${API}/repos/acme/widgets/actions/runners/23`, authorised(answer)))
  return aGithub().unregister({ id: '23', name: 'muster-7' }, never())
}

test.each(places)('the runners of a $level are listed', async ({ scope, place }) => {
  runnersAre([aRunnerRow(23, { name: 'muster-7' })], place)
  expect(await aGithub({ scope }).runners(never())).toEqual({
    complete: true,
    runners: [{ id: '23', name: 'muster-7', labels: ['self-hosted', 'linux'], state: 'idle', ephemeral: true }],
  })
})

test.each`
  status       | busy     | state        | why
  ${'online'}  | ${false} | ${'idle'}    | ${'it waits'}
  ${'online'}  | ${true}  | ${'busy'}    | ${'it works'}
  ${'offline'} | ${false} | ${'offline'} | ${'it has not connected yet'}
  ${'offline'} | ${true}  | ${'busy'}    | ${'GitHub holds the job of a killed machine for some minutes'}
`('a runner that is $status with busy: $busy is $state, because $why', async ({ status, busy, state }) => {
  runnersAre([aRunnerRow(23, { status, busy })])
  expect(await aGithub().runners(never())).toMatchObject({ runners: [{ state }] })
})

test('an Enterprise Server that does not tell whether a runner is ephemeral leaves that open', async () => {
  runnersAre([aRunnerRow(23, { ephemeral: undefined })])
  expect(await aGithub().runners(never())).toMatchObject({ runners: [{ ephemeral: null }] })
})

test.each([
  { ...places[0], page: 'https://github.com/acme/widgets' },
  { ...places[1], page: 'https://github.com/acme' },
  { ...places[2], page: 'https://github.com/enterprises/acme-corp' },
])(
  'a runner of a $level is registered for one job, with all that it needs to start',
  async ({ scope, place, page }) => {
    const asked = registers(place)
    expect(await register(['Linux', 'gpu'], scope)).toEqual({ kind: 'jit', url: page, config: 'eyIucnVubmVyIjoi' })
    expect(asked).toEqual([
      { name: 'muster-7', runner_group_id: 1, labels: ['self-hosted', 'Linux', 'gpu'], work_folder: '_work' },
    ])
  },
)

test('a target that names self-hosted itself, in whatever case, gets it once', async () => {
  const asked = registers()
  await register(['Self-Hosted', 'linux'])
  expect(asked).toMatchObject([{ labels: ['Self-Hosted', 'linux'] }])
})

/** A GitHub that has a runner named muster-7, and gives the name away again when that is removed. */
function nameIsTaken(row: object) {
  const removed: string[] = []
  network.use(
    http.post(
      `${API}/repos/acme/widgets/actions/runners/generate-jitconfig`,
      authorised(() =>
        removed.length > 0
          ? HttpResponse.json({ runner: aRunnerRow(24), encoded_jit_config: 'eyIucnVubmVyIjoi' }, { status: 201 })
          : refusal(409, 'Already exists - A runner with the name muster-7 already exists.'),
      ),
    ),
    http.get(
      `${API}/repos/acme/widgets/actions/runners`,
      // As a server that is too old to know the filter by name.
      authorised(() => HttpResponse.json({ total_count: 1, runners: [row] })),
    ),
    http.delete(
      `${API}/repos/acme/widgets/actions/runners/:id`,
      authorised(({ params }) => {
        removed.push(String(params.id))
        return new HttpResponse(null, { status: 204 })
      }),
    ),
  )
  return removed
}

test.each([
  ['is online', { status: 'online' }],
  ['works', { status: 'offline', busy: true }],
  ['takes more than one job, so that it is not ours', { status: 'offline', ephemeral: false }],
  ['bears the name in another case', { status: 'offline', name: 'Muster-7' }],
])('a name that is taken by a runner that %s is refused, and the runner stays', async (_, over) => {
  const removed = nameIsTaken(aRunnerRow(23, { name: 'muster-7', ...over }))
  await expect(register(['linux'])).rejects.toMatchObject({
    name: 'ForgeRefused',
    status: 409,
    message: expect.stringContaining('a runner named muster-7 is registered already'),
  })
  expect(removed).toEqual([])
})

test('a name that is taken by the offline rest of an earlier try is freed, and registered once more', async () => {
  const removed = nameIsTaken(aRunnerRow(23, { name: 'muster-7', status: 'offline', os: 'unknown' }))
  expect(await register(['linux'])).toMatchObject({ kind: 'jit', config: 'eyIucnVubmVyIjoi' })
  expect(removed).toEqual(['23'])
})

test('a name that is taken again meanwhile is refused, and not tried a third time', async () => {
  const removed = nameIsTaken(aRunnerRow(23, { name: 'muster-7', status: 'offline' }))
  let asked = 0
  network.use(
    http.post(`${API}/repos/acme/widgets/actions/runners/generate-jitconfig`, () => {
      asked++
      return refusal(409, 'Already exists - A runner with the name muster-7 already exists.')
    }),
  )
  await expect(register(['linux'])).rejects.toMatchObject({ status: 409, message: expect.stringContaining('muster-7') })
  expect([asked, removed]).toEqual([2, ['23']])
})

// docs.github.com, "Actions limits": 1,500 registrations in 5 minutes, of a quota of their own.
test.each([403, 429])('too many registrations (%i) say until when, and no more are sent before', async (status) => {
  let asked = 0
  const headers = {
    'x-ratelimit-limit': '1500',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(at('12:03:00') / 1_000),
    'x-ratelimit-resource': 'actions_runner_registration',
  }
  network.use(
    http.post(`${API}/repos/acme/widgets/actions/runners/generate-jitconfig`, () => {
      asked++
      return refusal(status, 'API rate limit exceeded', {}, headers)
    }),
  )
  runnersAre([aRunnerRow(23)])
  const github = aGithub()
  for (let tries = 0; tries < 3; tries++) {
    const registration = github.register({ name: 'muster-7', labels: ['linux'], handle: null }, never())
    await expect(registration).rejects.toMatchObject({ name: 'ForgeLimited', retryAt: at('12:03:00') })
  }
  expect(asked).toBe(1)
  expect(await github.runners(never())).toMatchObject({ complete: true })
})

test('a registration is asked for once, also when its answer is lost', async () => {
  let asked = 0
  network.use(
    http.post(`${API}/repos/acme/widgets/actions/runners/generate-jitconfig`, () => {
      asked++
      return HttpResponse.error()
    }),
  )
  await expect(register(['linux'])).rejects.toMatchObject({ name: 'ForgeUnreachable' })
  expect(asked).toBe(1)
})

test('a runner is removed', async () => {
  expect(await removal(() => new HttpResponse(null, { status: 204 }))).toBe('removed')
})

test('a runner that GitHub removed before us is removed', async () => {
  expect(await removal(() => refusal(404, 'Not Found'))).toBe('removed')
})

test('a runner that works is busy, and stays', async () => {
  const message = 'Runner "muster-7" is currently running a job and cannot be deleted.'
  expect(await removal(() => refusal(422, message))).toBe('busy')
})

test('a token that may not remove runners is refused with what it lacks', async () => {
  await expect(removal(() => refusal(403, 'Resource not accessible by personal access token'))).rejects.toMatchObject({
    status: 403,
    message: expect.stringContaining('Administration: write'),
  })
})
