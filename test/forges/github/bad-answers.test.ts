import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { aHookWish } from '../../support/builders.ts'
import { network } from '../../support/network.ts'
import { API, aGithub, authorised, enterprise, never, organization, refusal, repository } from './github.ts'

const answers: [
  string,
  () => HttpResponse<string> | ReturnType<typeof refusal> | ReturnType<typeof HttpResponse.error>,
][] = [
  ['a login page', () => HttpResponse.html('<html>Sign in</html>')],
  ['half a body', () => new HttpResponse('[{"id":1,')],
  ['a bare word', () => new HttpResponse('"fine"')],
  ['nothing', () => new HttpResponse('')],
  ['a refusal', () => refusal(403, 'Resource not accessible by personal access token')],
  ['a fault', () => refusal(500, 'Server Error')],
  ['a rate limit', () => refusal(429, 'API rate limit exceeded')],
  ['no answer', () => HttpResponse.error()],
]

const query = {
  labels: ['linux'],
  hook: aHookWish(),
  registers: true,
  isolated: false,
  looksPerHour: { polling: 120, reconciling: 12 },
}

test.each(answers)('a check that gets %s to everything tells it, and does not reject', async (_, answer) => {
  network.use(http.all(`${API}/*`, answer))
  for (const scope of [repository, organization, enterprise]) {
    const findings = await aGithub({ scope }).check?.(query, never())
    expect(findings?.some(({ level, fix }) => (level === 'problem' || level === 'warning') && fix)).toBe(true)
  }
})

test.each(answers)(
  'a check that is let in and gets %s to all else tells it, and does not reject',
  async (_, answer) => {
    network.use(
      http.get(
        `${API}/meta`,
        authorised(() => HttpResponse.json({})),
      ),
      http.all(`${API}/*`, answer),
    )
    const findings = await aGithub({ scope: organization }).check?.(query, never())
    expect(findings).toEqual(expect.arrayContaining([expect.objectContaining({ check: 'token', level: 'good' })]))
    expect(findings?.some(({ level }) => level === 'problem' || level === 'warning')).toBe(true)
  },
)

test.each(answers.slice(0, 4))('recovery that gets %s is a ForgeMisshapen', async (_, answer) => {
  network.use(http.all(`${API}/*`, answer))
  const recovery = aGithub().recover?.({ hook: '1', since: null, received: async () => new Set() }, never())
  await expect(recovery).rejects.toMatchObject({ name: 'ForgeMisshapen' })
})

test('a list of deliveries whose cursor leads nowhere ends', async () => {
  let asked = 0
  network.use(
    http.get(
      `${API}/repos/acme/widgets/hooks/1/deliveries`,
      authorised(() => {
        asked++
        const link = `<${API}/repos/acme/widgets/hooks/1/deliveries?cursor=v1_1>; rel="next"`
        const row = {
          id: asked,
          guid: `g${asked}`,
          delivered_at: '2026-03-02T11:59:00Z',
          status: 'OK',
          event: 'workflow_job',
        }
        return HttpResponse.json([row], { headers: { link } })
      }),
    ),
  )
  const recovery = aGithub().recover?.({ hook: '1', since: null, received: async () => new Set() }, never())
  expect(await recovery).toMatchObject({ readings: [], gap: true })
  expect(asked).toBeLessThanOrEqual(200)
})
