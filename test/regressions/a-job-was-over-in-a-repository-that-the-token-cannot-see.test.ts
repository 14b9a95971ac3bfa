import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { reconcile } from '../../src/core/reconcile.ts'
import { aRepositoryRow } from '../fixtures/github/rows.ts'
import { API, aGithub, never, organization } from '../forges/github/github.ts'
import { aJob, at } from '../support/builders.ts'
import { network } from '../support/network.ts'
import { nothingSeen, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// A fine-grained token is given some repositories of an organization, its webhook tells of all. A job of one of the others that waited for
// a runner for a minute was over with the next look, which had walked through the given ones and called itself complete.
test('what a look at an organization does not show is over only in repositories that it saw', async () => {
  network.use(
    http.get(`${API}/orgs/acme/repos`, () => HttpResponse.json([aRepositoryRow('acme/Widgets')])),
    http.get(`${API}/repos/acme/:name/actions/runs`, () => HttpResponse.json({ total_count: 0, workflow_runs: [] })),
  )
  const jobs = await aGithub({ scope: organization }).jobs({ labels: [], only: null }, never())
  const queued = { announcedAt: at('12:00:00'), deliveredAt: at('12:00:00') }
  const facts = someFacts({
    jobs: [
      aJob({ id: '1', repository: 'acme/widgets', ...queued }),
      aJob({ id: '2', repository: 'acme/secret', ...queued }),
    ],
  })
  const look = { ...nothingSeen, beganAt: at('12:05:00'), jobs }
  const after = reconcile(facts, look, at('12:05:01'), someRules())
  expect(after.facts.jobs).toMatchObject([
    { id: '1', state: 'finished' },
    { id: '2', state: 'queued' },
  ])
})
