import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { verify } from '@octokit/webhooks-methods'
import type { Secret } from '../secret.ts'
import type { RawDelivery, Reading } from './forge.ts'

/** Where a forge puts its HMAC-SHA256: GitHub with the prefix `sha256=`, Gitea and Forgejo as bare hex. */
const signatureHeaders = [
  { name: 'x-hub-signature-256', shape: /^sha256=([0-9a-f]{64})$/i },
  { name: 'x-gitea-signature', shape: /^(?:sha256=)?([0-9a-f]{64})$/i },
  { name: 'x-forgejo-signature', shape: /^(?:sha256=)?([0-9a-f]{64})$/i },
] as const

const eventHeaders = ['x-forgejo-event', 'x-gitea-event', 'x-github-event'] as const

/**
 * Which of the secrets signed the raw bytes, counted from 0; null when they are not signed. At least one signature header is there and
 * not empty, and each that is fits one of the secrets, compared in constant time. Never throws: a secret that is empty or cannot be read
 * fits nothing.
 */
export async function signedBy(delivery: RawDelivery, secrets: readonly Secret[]): Promise<number | null> {
  const signatures = signatureHeaders.flatMap(({ name, shape }) => {
    const written = delivery.headers[name]?.trim()
    return written ? [shape.exec(written)?.[1]?.toLowerCase() ?? null] : []
  })
  const keys = secrets.map((secret) => readable(secret) || null)
  let signer: number | null = null
  for (const hex of signatures) {
    const fits = hex === null ? -1 : await fitting(keys, delivery.body, hex)
    if (fits < 0) return null
    signer = fits
  }
  return signer
}

/** Every key is tried, whichever fits: how long it takes tells nothing. */
async function fitting(keys: readonly (string | null)[], body: Uint8Array, hex: string): Promise<number> {
  const text = utf8(body)
  const tried = await Promise.all(
    keys.map((key) => key !== null && (text ? verify(key, text, `sha256=${hex}`) : fitsBytes(key, body, hex))),
  )
  return tried.indexOf(true)
}

/** The library wants a text that is not empty. Other bodies are signed all the same, and are told apart from JSON only afterwards. */
function fitsBytes(key: string, body: Uint8Array, hex: string): boolean {
  return timingSafeEqual(createHmac('sha256', key).update(body).digest(), Buffer.from(hex, 'hex'))
}

/** The text of these very bytes, a byte order mark included; null when they are not UTF-8. */
function utf8(body: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return null
  }
}

/** The forge's id of the delivery from the first of these headers that has one, else `sha256:<hex>` of the body. */
export function deliveryId(delivery: RawDelivery, names: readonly string[]): string {
  for (const name of names) {
    const id = delivery.headers[name]?.trim()
    if (id) return id
  }
  return `sha256:${createHash('sha256').update(delivery.body).digest('hex')}`
}

/** The name of the event as its header says; empty where none does (Forgejo names its `package` events so). */
export function eventName(delivery: RawDelivery): string {
  for (const name of eventHeaders) {
    const event = delivery.headers[name]?.trim()
    if (event) return event
  }
  return ''
}

/** The event of a parsed delivery: as the header says, and `workflow_job` for a body that has one under no name at all. */
export function eventOf(delivery: RawDelivery, value: unknown): string {
  const named = eventName(delivery)
  const carriesJob = typeof value === 'object' && value !== null && Object.hasOwn(value, 'workflow_job')
  return named === '' && carriesJob ? 'workflow_job' : named
}

/** What the signed bytes say, or why they are not JSON. */
export function parseJson(
  delivery: RawDelivery,
): { kind: 'parsed'; value: unknown } | Extract<Reading, { kind: 'invalid' }> {
  const typed = delivery.headers['content-type']?.toLowerCase().includes('x-www-form-urlencoded')
  const form = typed || Buffer.from(delivery.body.subarray(0, 8)).toString('latin1') === 'payload='
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(delivery.body)
    return { kind: 'parsed', value: JSON.parse(text) }
  } catch {
    const what = form ? 'a form, not JSON' : 'not JSON'
    return { kind: 'invalid', problem: `the body is ${what}: set content_type: json on the webhook` }
  }
}

function readable(secret: Secret): string | null {
  try {
    return secret.reveal()
  } catch {
    // Its file is gone for the moment: it fits nothing, and the other secrets still count.
    return null
  }
}
