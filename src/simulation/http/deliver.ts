import { createHmac } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { SimulatedForge } from '../forge.ts'
import type { Delivery } from '../outbox.ts'
import type { Hook } from '../state.ts'

/** One webhook request, ready to be sent. */
export interface SignedRequest {
  url: string
  headers: Record<string, string>
  body: string
}

/** One try of a delivery. */
export interface Attempt {
  delivery: Delivery
  /** When it began, epoch milliseconds. */
  at: number
  /** Null for no answer. */
  status: number | null
}

export interface Courier {
  /** Every attempt that has ended. */
  readonly attempts: readonly Attempt[]
  /** Called as each attempt begins, with what its status will be. */
  onAttempt(listener: (delivery: Delivery, status: Promise<number | null>) => void): void
  close(): Promise<void>
}

/** Brings what is in the outbox to its hooks: one attempt each, several at a time, and no retry, as the forges do. */
export function startCourier(forge: SimulatedForge, clock: Clock): Courier {
  const ending = new AbortController()
  const attempts: Attempt[] = []
  const underWay = new Set<Promise<void>>()
  const listeners: ((delivery: Delivery, status: Promise<number | null>) => void)[] = []
  let bell = new AbortController()
  forge.outbox.onPut(() => bell.abort())

  async function attempt(delivery: Delivery): Promise<void> {
    const hook = forge.ground.hooks.get(delivery.hookId)
    if (!hook) return
    const at = clock.now()
    const status = send(signed(forge, delivery, hook), patience(forge), ending.signal)
    for (const listener of listeners) listener(delivery, status)
    attempts.push({ delivery, at, status: await status })
  }

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      bell = new AbortController()
      for (const delivery of forge.outbox.take(clock.now())) {
        const sent = attempt(delivery).finally(() => underWay.delete(sent))
        underWay.add(sent)
      }
      const next = forge.outbox.nextAt()
      const wait = next === null ? 60_000 : next - clock.now()
      await clock.sleep(wait, AbortSignal.any([bell.signal, ending.signal]))
    }
    await Promise.all(underWay)
  }

  const running = run()
  return {
    attempts,
    onAttempt: (listener) => void listeners.push(listener),
    close() {
      ending.abort()
      return running
    },
  }
}

/** How long the forge waits for an answer, milliseconds. */
function patience({ version }: SimulatedForge): number {
  if (version.kind !== 'github') return 5_000
  return version.server === undefined ? 10_000 : 30_000
}

async function send(
  { url, headers, body }: SignedRequest,
  timeout: number,
  ending: AbortSignal,
): Promise<number | null> {
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(timeout), ending])
    const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    await answer.arrayBuffer()
    return answer.status
  } catch {
    return null
  }
}

/** The bytes and headers of one delivery, signed by the hook's secret as the forge does it. */
export function signed(forge: SimulatedForge, delivery: Delivery, hook: Hook): SignedRequest {
  return forge.version.kind === 'github' ? fromGithub(forge, delivery, hook) : fromGiteaFamily(forge, delivery, hook)
}

function hmac(algorithm: 'sha1' | 'sha256', secret: string, text: string): string {
  return createHmac(algorithm, secret).update(text).digest('hex')
}

function asForm(json: string): string {
  return new URLSearchParams({ payload: json }).toString()
}

/** Pretty-printed JSON; signature headers are there even without a secret, and empty; of a form body the JSON inside is signed. */
function fromGiteaFamily(forge: SimulatedForge, { id, event, payload }: Delivery, hook: Hook): SignedRequest {
  const json = JSON.stringify(payload, null, 2)
  const sign = (algorithm: 'sha1' | 'sha256') => (hook.secret === '' ? '' : hmac(algorithm, hook.secret, json))
  const brands = forge.version.kind === 'forgejo' ? ['Forgejo', 'Gitea', 'Gogs'] : ['Gitea', 'Gogs']
  const headers: Record<string, string> = {
    'Content-Type': contentType(hook),
    'X-Hub-Signature': `sha1=${sign('sha1')}`,
    'X-Hub-Signature-256': `sha256=${sign('sha256')}`,
  }
  for (const brand of [...brands, 'GitHub']) {
    headers[`X-${brand}-Event`] = event
    headers[`X-${brand}-Event-Type`] = event
    headers[`X-${brand}-Delivery`] = id
  }
  for (const brand of brands) headers[`X-${brand}-Signature`] = sign('sha256')
  if (forge.version.kind === 'gitea') {
    const target = hook.scope.level === 'instance' ? 'system' : hook.scope.level
    for (const brand of ['Gitea', 'GitHub']) headers[`X-${brand}-Hook-Installation-Target-Type`] = target
  }
  if (hook.authorizationHeader) headers.Authorization = hook.authorizationHeader
  return { url: hook.url, headers, body: hook.contentType === 'form' ? asForm(json) : json }
}

/** Compact JSON; signed only with a secret, over the body as it is sent. */
function fromGithub({ version }: SimulatedForge, { id, event, payload }: Delivery, hook: Hook): SignedRequest {
  const json = JSON.stringify(payload)
  const body = hook.contentType === 'form' ? asForm(json) : json
  const headers: Record<string, string> = {
    'Content-Type': contentType(hook),
    'User-Agent': 'GitHub-Hookshot/044aadd',
    'X-GitHub-Event': event,
    'X-GitHub-Delivery': id,
    'X-GitHub-Hook-ID': String(hook.id),
    'X-GitHub-Hook-Installation-Target-ID': '1',
    'X-GitHub-Hook-Installation-Target-Type': hook.scope.level,
  }
  if (version.kind === 'github' && version.server !== undefined) {
    headers['X-GitHub-Enterprise-Version'] = version.server
    headers['X-GitHub-Enterprise-Host'] = new URL(hook.url).hostname
  }
  if (hook.secret !== '') {
    headers['X-Hub-Signature'] = `sha1=${hmac('sha1', hook.secret, body)}`
    headers['X-Hub-Signature-256'] = `sha256=${hmac('sha256', hook.secret, body)}`
  }
  return { url: hook.url, headers, body }
}

function contentType(hook: Hook): string {
  return hook.contentType === 'form' ? 'application/x-www-form-urlencoded' : 'application/json'
}
