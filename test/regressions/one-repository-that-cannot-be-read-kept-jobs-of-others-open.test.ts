import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { reconcile } from '../../src/core/reconcile.ts'
import { aRepositoryRow } from '../fixtures/github/rows.ts'
import { API, aGithub, never, organization } from '../forges/github/github.ts'
import { aJob, at } from '../support/builders.ts'
import { network } from '../support/network.ts'
import { nothingSeen, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// The token was not given the runs of one repository: no look proved anything of any other.
test.each([
  ['at everything', null],
  ['where webhooks work', ['acme/fine', 'acme/gone']],
] as const)('a look %s proves what it read, whatever it could not read besides', async (_, only) => {
  network.use(
    http.get(`${API}/orgs/acme/repos`, () =>
      HttpResponse.json(['acme/fine', 'acme/gone'].map((name) => aRepositoryRow(name))),
    ),
    http.get(`${API}/repos/acme/gone/actions/runs`, () => HttpResponse.json({ message: 'Forbidden' }, { status: 403 })),
    http.get(`${API}/repos/acme/fine/actions/runs`, () => HttpResponse.json({ total_count: 0, workflow_runs: [] })),
  )
  const jobs = await aGithub({ scope: organization }).jobs({ labels: [], only }, never())
  expect(jobs).toMatchObject({ complete: false })
  const known = { announcedAt: at('12:00:00'), deliveredAt: at('12:00:00') }
  const facts = someFacts({
    jobs: [
      aJob({ id: '1', repository: 'acme/Fine', ...known }),
      aJob({ id: '2', repository: 'acme/gone', ...known }),
      aJob({ id: '3', repository: null, ...known }),
    ],
  })
  const after = reconcile(facts, { ...nothingSeen, beganAt: at('12:05:00'), jobs }, at('12:05:01'), someRules())
  expect(after.facts.jobs).toMatchObject([
    { id: '1', state: 'finished' },
    { id: '2', state: 'queued' },
    { id: '3', state: 'queued' },
  ])
})
