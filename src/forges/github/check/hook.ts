import { type Finding, good, note, problem, warning } from '../../../core/finding.ts'
import { path } from '../../api.ts'
import { exactly } from '../exact-json.ts'
import { findHooks } from '../hooks.ts'
import { type Delivery, deliveries } from '../schema.ts'
import type { CheckedScope } from './check.ts'
import { failed } from './failed.ts'

/** The webhook as GitHub has it. What is wrong with it is mended by the running service. */
export async function checkHook(of: CheckedScope): Promise<Finding[]> {
  const { place, query } = of
  if (query.hook === null) return [note('hook', 'no webhook.url is configured: jobs are found by polling')]
  if (place.needs.hooks === null) {
    const fix = `make it by hand, in the settings of the enterprise: ${query.hook.url}, application/json, the event "Workflow jobs"`
    return [note('hook', `whether an enterprise has the webhook cannot be read; ${fix}`)]
  }
  try {
    const [ours, ...doubles] = await found(of)
    const serve = 'start muster serve, which mends it'
    if (!ours)
      return [warning('hook', `GitHub has no webhook for ${query.hook.url}`, 'start muster serve, which makes it')]
    const lacking = query.hook.events.filter((event) => !ours.events.includes(event) && !ours.events.includes('*'))
    const faults = [
      ...(doubles.length > 0 ? [`there are ${doubles.length + 1} webhooks with this URL`] : []),
      ...(ours.active === query.hook.active ? [] : [`the webhook is ${ours.active ? 'active' : 'not active'}`]),
      ...(lacking.length > 0 ? [`the webhook lacks the events ${lacking.join(', ')}`] : []),
      ...(ours.config.content_type === 'json' ? [] : ['the webhook sends forms, not application/json']),
      ...(ours.config.secret ? [] : ['the webhook has no secret']),
      ...(String(ours.config.insecure_ssl ?? '0') === '0' ? [] : ['the webhook does not verify TLS']),
    ]
    if (faults.length === 0) return [good('hook', `the webhook for ${query.hook.url} is there and active`)]
    return faults.map((fault) => warning('hook', fault, serve))
  } catch (error) {
    return [failed('hook', error, place.needs.hooks)]
  }
}

/** What became of the last deliveries. */
export async function checkLastDelivery(of: CheckedScope): Promise<Finding[]> {
  const { api, place, query, signal } = of
  if (query.hook === null || place.needs.hooks === null) return []
  try {
    const [ours] = await found(of)
    if (!ours) return []
    const { value } = await api.call(
      {
        path: `${place.path}${path`/hooks/${ours.id}/deliveries`}`,
        query: { per_page: 100 },
        parse: exactly,
        answer: deliveries,
        needs: place.needs.hooks,
      },
      signal,
    )
    return [told(value, query.hook.url)]
  } catch {
    // What keeps the hooks from being read was told of the hook.
    return []
  }
}

function told(rows: readonly Delivery[], url: string): Finding {
  const [last] = rows
  if (!last) return note('hook_deliveries', 'the webhook has delivered nothing yet')
  const at = new Date(last.delivered_at).toISOString()
  if (last.status === 'OK') return good('hook_deliveries', `the last delivery (${at}) arrived`)
  const failures = rows.findIndex(({ status }) => status === 'OK')
  const count = failures < 0 ? rows.length : failures
  const message = `the last ${count} deliveries failed, the newest at ${at}: ${last.status}`
  const [, code] = /(\d{3})$/.exec(last.status) ?? []
  if (code === '401') {
    return problem(
      'hook_deliveries',
      message,
      'the secret of the webhook is not webhook_secret: start muster serve, which writes it',
    )
  }
  if (code)
    return problem(
      'hook_deliveries',
      message,
      `something at ${url} answers ${code}: see whether it leads to muster's listener`,
    )
  const reach = `GitHub cannot reach ${url}: let its addresses in (the "hooks" of https://api.github.com/meta), with a certificate that it trusts`
  return problem('hook_deliveries', message, reach)
}

function found({ api, place, query, signal }: CheckedScope) {
  return findHooks(api, place, query.hook?.url ?? '', signal)
}
