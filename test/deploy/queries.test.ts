import { expect } from 'vitest'
import { journey, type Stage } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'
import { prometheus, prometheusProgram } from './prometheus.ts'
import { allQueries, exposed, groupings, selectors } from './queries.ts'

const test = journey()

/** Labels whose values are a closed list: a query that asks for another one would never find anything. */
const closed = ['result', 'outcome', 'verdict', 'state', 'mode', 'complete']

test('each query of the dashboard and of the alerts asks for metrics and labels that Muster really shows', async ({
  stage,
}) => {
  const { metrics } = await aBusyService(stage)
  const shown = exposed(await metrics())
  const wrong = allQueries().flatMap(({ where, expr }) => {
    const asked = selectors(expr)
    const everyLabel = new Set(asked.flatMap(({ metric }) => [...(shown.get(metric)?.keys() ?? [])]))
    return [
      ...asked.flatMap((selector) => missing(shown, selector)),
      ...groupings(expr).flatMap((label) => (everyLabel.has(label) ? [] : [`no label ${label} to group by`])),
      ...(asked.length === 0 ? ['it asks for none of our metrics'] : []),
    ].map((what) => `${where}: ${what}`)
  })
  expect(wrong).toEqual([])
})

test.skipIf(prometheusProgram === null)(
  'a real Prometheus that scrapes Muster answers each query, and each panel has something to show',
  { timeout: 120_000 },
  async ({ stage }) => {
    const { adminUrl } = await aBusyService(stage)
    const server = await prometheus(adminUrl, stage.folder)
    stage.onEnd(() => server.close())
    await until(
      'it has scraped a few times',
      async () => (await server.query('count_over_time(muster_lease[1m]) > 4')).length > 0,
    )
    const empty: string[] = []
    for (const { where, expr } of allQueries()) {
      const answer = await server.query(expr)
      if (where.startsWith('panel') && answer.length === 0) empty.push(where)
    }
    expect(empty).toEqual([])
  },
)

function missing(
  shown: ReturnType<typeof exposed>,
  { metric, labels }: ReturnType<typeof selectors>[number],
): string[] {
  const known = shown.get(metric)
  if (!known) return [`${metric} is not shown`]
  return labels.flatMap(({ name, values }) => {
    const has = known.get(name)
    if (!has) return [`${metric} has no label ${name}`]
    return closed.includes(name)
      ? values.flatMap((value) => (has.has(value) ? [] : [`no ${metric} with ${name}="${value}"`]))
      : []
  })
}

/** A service with a forge that tells of a limit, jobs that ran, and callers of its dispatcher API: every metric has a value. */
async function aBusyService(stage: Stage) {
  const forge = await stage.forge({ kind: 'github' })
  const cloud = await stage.cloud(forge)
  const service = await stage.start({
    dispatcher: { url: cloud.url },
    dispatcher_api: { enabled: true, token: 'a-token-of-the-dispatcher-api' },
    instances: [forge.instance({ targets: [{ name: 'linux', labels: ['linux'] }] })],
  })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const job = forge.push({ seconds: 2 })[0]
  await until('a job has run', () => job?.conclusion === 'success')
  forge.push({ labels: ['self-hosted', 'nobody-offers-this'] })
  await service.look('github')
  const metrics = async () => (await fetch(`${service.adminUrl}/metrics`)).text()
  return { adminUrl: service.adminUrl, metrics }
}
