import { type Finding, good, note, problem, warning } from '../../core/finding.ts'
import type { Scope } from '../../core/scope.ts'
import type { CheckQuery } from '../forge.ts'
import type { CheckedServer } from './checked-server.ts'
import { type Hook, hooksWith } from './hooks.ts'
import { allowance } from './receiver.ts'
import { fixFor, trial } from './refusal.ts'

type Wish = NonNullable<CheckQuery['hook']>

const restart = 'muster serve mends it at its start, and looks after it each hour'

/** The webhook with our URL, as the forge has it. Its secret and its deliveries can be read by nobody over the API of either forge. */
export async function checkHook(server: CheckedServer, wish: Wish, signal: AbortSignal): Promise<Finding[]> {
  const told = await trial(hooksWith(wish.url, server, signal))
  if ('error' in told) return [problem('hook', told.error.message, fixFor(told.error, server))]
  const [hook, ...doubles] = told.value.rows
  const receiver = receiverFinding(server, wish)
  if (!hook) {
    const message = `there is no webhook with the URL ${wish.url} yet`
    return [note('hook', message, 'muster serve makes it at its start'), receiver]
  }
  const page = hookPage(server, hook.id)
  return [
    good('hook', `the webhook is there: ${page}`),
    ...stateFindings(hook, wish),
    ...eventFindings(server, hook, wish),
    ...(doubles.length > 0
      ? [
          warning(
            'hook_doubles',
            `${doubles.length + 1} webhooks have the URL ${wish.url}, so each delivery comes as often`,
            restart,
          ),
        ]
      : []),
    receiver,
    note('hook_deliveries', `the forge shows what became of the last deliveries on ${page}, under Recent Deliveries`),
  ]
}

function stateFindings({ active, config }: Hook, wish: Wish): Finding[] {
  const findings: Finding[] = []
  if (!active && wish.active) findings.push(problem('hook_active', 'the webhook is switched off', restart))
  else if (!active)
    findings.push(warning('hook_active', 'the webhook is switched off, as configured', 'set webhook.active to true'))
  else findings.push(good('hook_active', 'the webhook is switched on'))
  if (config.content_type !== 'json') {
    const message = `the webhook sends ${config.content_type || 'another content type'}, of which each delivery is refused`
    findings.push(problem('hook_content_type', message, restart))
  } else findings.push(good('hook_content_type', 'the webhook sends JSON'))
  return findings
}

function eventFindings({ events }: CheckedServer, hook: Hook, wish: Wish): Finding[] {
  const lacking = events.needed.filter((event) => !hook.events.includes(event))
  if (lacking.length > 0) return [problem('hook_events', `the webhook does not send ${lacking.join(', ')}`, restart)]
  const dropped = [...new Set([...events.rest, ...wish.events])].filter((event) => !hook.events.includes(event))
  return [
    good('hook_events', `the webhook sends ${hook.events.join(', ')}`),
    ...(dropped.length > 0
      ? [note('hook_events', `it does not send ${dropped.join(', ')}, which this version may not know`)]
      : []),
  ]
}

function receiverFinding({ kind }: CheckedServer, { url }: Wish): Finding {
  const hint = allowance(url, kind)
  if (hint === null) return good('hook_receiver', 'the forge may deliver to the address of the webhook')
  return warning('hook_receiver', hint, 'an administrator of the forge adds it to the list and restarts the forge')
}

function hookPage({ kind, url, scope }: CheckedServer, id: string): string {
  const pages: Record<Scope['level'], string> = {
    repository: `${scope.owner}/${scope.name}/settings/hooks`,
    organization: `org/${scope.owner}/settings/hooks`,
    user: 'user/settings/hooks',
    instance: kind === 'gitea' ? '-/admin/system-hooks' : 'admin/system-hooks',
    enterprise: '',
  }
  return `${url}/${pages[scope.level]}/${id}`
}
