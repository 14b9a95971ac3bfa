import { HttpResponse, http } from 'msw'
import { example } from '../../fixtures/github/examples.ts'
import { aHookRow, aJobRow, aRepositoryRow, aRunnerRow, aRunRow } from '../../fixtures/github/rows.ts'
import { network } from '../../support/network.ts'
import { forgeContract, type WorldHook, type WorldState } from '../contract.ts'
import { aGithub, authorised, pageOf, refusal, TOKEN } from './github.ts'

/** An Enterprise Server, because its API has a path of its own. */
const base = 'https://git.acme.example/api/v3'

forgeContract('github', {
  base,
  token: TOKEN,
  counts: { jobs: true, runners: true },
  open(state) {
    network.use(...actions(state), ...hooks(state.hooks))
    return aGithub({ base: 'https://git.acme.example', api: base, secrets: state.secrets })
  },
  queued(repository) {
    const payload = example('workflow_job', 5)
    return {
      headers: { 'x-github-event': 'workflow_job', 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' },
      payload: { ...payload, repository: aRepositoryRow(repository) },
    }
  },
})

function actions(state: WorldState) {
  const jobs = Array.from({ length: state.jobs }, (_, index) => aJobRow(index + 1))
  const runs = jobs.length > 0 ? [aRunRow(100)] : []
  let runners = Array.from({ length: state.runners }, (_, index) => aRunnerRow(index + 1))
  return [
    http.get(
      `${base}/meta`,
      authorised(() => HttpResponse.json({ verifiable_password_authentication: true, installed_version: '3.17.4' })),
    ),
    http.get(
      `${base}/repos/acme/widgets/actions/runs`,
      authorised(({ request }) => {
        const open = new URL(request.url).searchParams.get('status') === 'queued' ? runs : []
        return HttpResponse.json({ total_count: open.length, workflow_runs: pageOf(request, open) })
      }),
    ),
    http.get(
      `${base}/repos/acme/widgets/actions/runs/100/jobs`,
      authorised(({ request }) =>
        HttpResponse.json({ total_count: jobs.length + state.uncounted, jobs: pageOf(request, jobs) }),
      ),
    ),
    http.get(
      `${base}/repos/acme/widgets/actions/runners`,
      authorised(({ request }) =>
        HttpResponse.json({ total_count: runners.length + state.uncounted, runners: pageOf(request, runners) }),
      ),
    ),
    http.delete(
      `${base}/repos/acme/widgets/actions/runners/:id`,
      authorised(({ params }) => {
        const left = runners.filter(({ id }) => String(id) !== params.id)
        if (left.length === runners.length) return refusal(404, 'Not Found')
        runners = left
        return new HttpResponse(null, { status: 204 })
      }),
    ),
  ]
}

function hooks(kept: WorldHook[]) {
  const path = `${base}/repos/acme/widgets/hooks`
  const row = ({ id, url, active, events }: WorldHook) => aHookRow(id, { active, events, config: { url } })
  const find = (id: unknown) => kept.find((hook) => String(hook.id) === id)
  return [
    http.get(
      path,
      authorised(({ request }) => HttpResponse.json(pageOf(request, kept).map(row))),
    ),
    http.post(
      path,
      authorised(async ({ request }) => {
        const { active, events, config } = (await request.clone().json()) as Wanted
        const made = { id: 500 + kept.length, url: config.url, secret: config.secret, active, events }
        kept.push(made)
        return HttpResponse.json(row(made), { status: 201 })
      }),
    ),
    http.patch(
      `${path}/:id`,
      authorised(async ({ request, params }) => {
        const hook = find(params.id)
        if (!hook) return refusal(404, 'Not Found')
        const { active, events, config } = (await request.clone().json()) as Partial<Wanted>
        Object.assign(hook, { active: active ?? hook.active, events: events ?? hook.events })
        if (config) Object.assign(hook, { url: config.url, secret: config.secret ?? '' })
        return HttpResponse.json(row(hook))
      }),
    ),
    http.patch(
      `${path}/:id/config`,
      authorised(async ({ request, params }) => {
        const hook = find(params.id)
        if (!hook) return refusal(404, 'Not Found')
        const { url, secret } = (await request.clone().json()) as Partial<Wanted['config']>
        Object.assign(hook, { url: url ?? hook.url, secret: secret ?? hook.secret })
        return HttpResponse.json(row(hook).config)
      }),
    ),
    http.delete(
      `${path}/:id`,
      authorised(({ params }) => {
        const hook = find(params.id)
        if (!hook) return refusal(404, 'Not Found')
        kept.splice(kept.indexOf(hook), 1)
        return new HttpResponse(null, { status: 204 })
      }),
    ),
  ]
}

interface Wanted {
  active: boolean
  events: string[]
  config: { url: string; secret: string }
}
