import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { aRunnerRow } from '../../fixtures/github/rows.ts'
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

test('a name that is taken is refused in words that say so', async () => {
  const message = 'Already exists - A runner with the name muster-7 already exists.'
  network.use(http.post(`${API}/repos/acme/widgets/actions/runners/generate-jitconfig`, () => refusal(409, message)))
  await expect(register(['linux'])).rejects.toMatchObject({
    name: 'ForgeRefused',
    status: 409,
    message: expect.stringContaining('a runner named muster-7 is registered already'),
  })
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
