import type { InstanceConfig } from '../config/config.ts'
import { type Finding, good, note, warning } from '../core/finding.ts'
import type { Running } from './running.ts'

/** A secret that signed nothing for this long is not in use any more: every hook has sent something by then. Milliseconds. */
const unusedFor = 7 * 24 * 3_600_000

/** Of several webhook secrets: which the forge still signs with, and which may go. And whether deliveries come at all. */
export function checkSecrets({ name, secrets }: InstanceConfig, running: Running | null, now = Date.now()): Finding[] {
  const seen = running?.instances.get(name)?.webhook
  if (!seen || secrets.length === 0) return []
  const findings = [
    seen.last_delivery_at
      ? good('last_delivery', `the last delivery came at ${seen.last_delivery_at}`)
      : warning(
          'last_delivery',
          'no delivery has come yet',
          'let the forge send one: its page of the webhook can test it',
        ),
  ]
  if (seen.secrets.length < 2) return findings
  const [first, ...older] = seen.secrets
  for (const { source, uses, last_used_at } of older) {
    const since = last_used_at === null ? null : now - Date.parse(last_used_at)
    const firstWorks = (first?.uses ?? 0) > 0
    if (firstWorks && since !== null && since > unusedFor)
      findings.push(
        note('webhook_secret', `an older secret (${source}) signs nothing any more`, 'take it out of webhook_secret'),
      )
    else
      findings.push(
        note(
          'webhook_secret',
          uses === 0
            ? `an older secret (${source}) has signed nothing that is remembered here`
            : `an older secret (${source}) signed ${uses} deliveries, last at ${last_used_at}`,
          'leave it in webhook_secret until the first has signed for a week and this one nothing',
        ),
      )
  }
  return findings
}
