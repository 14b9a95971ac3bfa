import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { API, aGithub, never, organization } from '../forges/github/github.ts'
import { network } from '../support/network.ts'

// A look asks for jobs and runners at once. The 401 of the first had the file read again; the second found nothing new in it then.
test('every call that was under way when the token changed is sent once more', async () => {
  let token = 'the old one'
  const refused: (() => void)[] = []
  network.use(
    http.get(`${API}/orgs/acme/actions/runners`, async ({ request }) => {
      if (request.headers.get('authorization') === 'Bearer the new one')
        return HttpResponse.json({ total_count: 0, runners: [] })
      // Both are sent before either is answered.
      await new Promise<void>((resolve) => {
        refused.push(resolve)
        if (refused.length < 2) return
        token = 'the new one'
        for (const answer of refused) answer()
      })
      return HttpResponse.json({ message: 'Bad credentials' }, { status: 401 })
    }),
  )
  let known = token
  // Its time stamp is too coarse to tell: only reading it afresh shows the new one.
  const secret = new Secret((afresh) => {
    if (afresh) known = token
    return known
  })
  const github = aGithub({ scope: organization, token: secret })
  const lists = await Promise.all([github.runners(never()), github.runners(never())])
  expect(lists).toMatchObject([{ complete: true }, { complete: true }])
})
