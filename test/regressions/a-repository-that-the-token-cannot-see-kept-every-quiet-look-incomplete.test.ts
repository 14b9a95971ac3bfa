import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { API, aGithub, never, organization } from '../forges/github/github.ts'
import { network } from '../support/network.ts'

const noRuns = { total_count: 0, workflow_runs: [] }

// A fine-grained token is given some repositories of an organization, its webhook tells of all: a job of another one is open for a while. So
// is, for ever, the job of a repository that was deleted while it ran. Each look failed then, was tried again, and proved nothing.
test.each([404, 301])(
  'a repository with an open job that answers %i is left out of a look, which is complete',
  async (status) => {
    network.use(
      http.get(`${API}/orgs/acme/repos`, () => HttpResponse.json([])),
      http.get(`${API}/repos/acme/gone/actions/runs`, () => HttpResponse.json({ message: 'No' }, { status })),
      http.get(`${API}/repos/acme/fine/actions/runs`, () => HttpResponse.json(noRuns)),
    )
    const list = await aGithub({ scope: organization }).jobs({ labels: [], only: ['acme/gone', 'acme/Fine'] }, never())
    expect(list).toMatchObject({ complete: true, jobs: [], repositories: new Set(['acme/fine']) })
  },
)

test.each([403, 500])('one that answers %i leaves it incomplete', async (status) => {
  network.use(
    http.get(`${API}/orgs/acme/repos`, () => HttpResponse.json([])),
    http.get(`${API}/repos/acme/gone/actions/runs`, () => HttpResponse.json({ message: 'No' }, { status })),
  )
  const list = await aGithub({ scope: organization }).jobs({ labels: [], only: ['acme/gone'] }, never())
  expect(list).toMatchObject({ complete: false, repositories: new Set() })
})
