import { z } from 'zod'
import type { Credential } from '../../core/credential.ts'
import type { LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused } from '../errors.ts'
import { startScript } from '../start-script.ts'
import type { NomadOptions } from './options.ts'

/** Nomad takes no more (DispatchPayloadSizeLimit), before base64. Bytes. */
const largestPayload = 16 * 1024

/** The keys of brucellino's job, which ours declares too. */
export const ancestorKeys = ['REPO_FULL_NAME', 'REPO_SHORT_NAME', 'WORKFLOW_RUN', 'DELIVERY_ID'] as const
/** What every onlooker may know of a runner; a task reads each as `$NOMAD_META_<key>`. */
export const ownKeys = [
  'MUSTER_OWNER',
  'MUSTER_DISPATCH',
  'MUSTER_ENDS_AT',
  'MUSTER_RUNNER_NAME',
  'MUSTER_LABELS',
  'MUSTER_INSTANCE',
  'MUSTER_MACHINE_TYPE',
  'MUSTER_IMAGE',
] as const

/** The meta keys that are sent. */
export function metaKeys(meta: NomadOptions['meta']): readonly string[] {
  return meta === 'full' ? [...ancestorKeys, ...ownKeys] : ancestorKeys
}

/** What goes to Nomad with a dispatch: public words as meta, and the payload, which is itself a credential. */
export interface Parcel {
  Meta: Readonly<Record<string, string>>
  /** Base64. */
  Payload: string
}

/** Packs a request. `endsAt` is in epoch milliseconds. Rejects with `DispatchRefused` what does not fit. */
export function pack(
  request: LaunchRequest,
  credential: Credential,
  { owner, endsAt, options }: { owner: string; endsAt: number; options: Pick<NomadOptions, 'meta' | 'command'> },
): Parcel {
  const { script } = startScript(request, credential, options.command)
  const payload = {
    repo: request.about?.repository ?? null,
    job: request.job,
    run_id: request.about?.runId ?? null,
    labels: request.labels,
    owner,
    dispatch: request.id,
    ends_at: seconds(endsAt),
    name: request.name,
    instance: request.instance,
    machine_type: request.machineType,
    image: request.image,
    env: request.env,
    scope: request.scope,
    credential,
    // Base64, so that a shell without a JSON parser can cut it out; the last key, so that nothing before it can look like it.
    start: Buffer.from(script).toString('base64'),
  }
  const bytes = Buffer.from(JSON.stringify(payload))
  if (bytes.length > largestPayload)
    throw new DispatchRefused(
      `the payload has ${bytes.length} bytes, and Nomad takes at most ${largestPayload}: shorten "env" or the labels of the target`,
    )
  return { Meta: meta(request, owner, endsAt, options.meta), Payload: bytes.toString('base64') }
}

function meta(request: LaunchRequest, owner: string, endsAt: number, which: NomadOptions['meta']) {
  const { repository, runId, delivery } = request.about ?? { repository: null, runId: null, delivery: null }
  const words: Record<string, string> = {
    REPO_FULL_NAME: repository ?? '',
    REPO_SHORT_NAME: repository?.split('/').at(-1) ?? '',
    WORKFLOW_RUN: runId ?? '',
    DELIVERY_ID: delivery ?? '',
    MUSTER_OWNER: owner,
    MUSTER_DISPATCH: request.id,
    MUSTER_ENDS_AT: String(seconds(endsAt)),
    MUSTER_RUNNER_NAME: request.name,
    MUSTER_LABELS: request.labels.join(','),
    MUSTER_INSTANCE: request.instance,
    MUSTER_MACHINE_TYPE: request.machineType ?? '',
    MUSTER_IMAGE: request.image ?? '',
  }
  return Object.fromEntries(metaKeys(which).map((key) => [key, words[key] ?? '']))
}

/** Whose a dispatched job is. */
export interface Mark {
  owner: string
  dispatch: string
  /** Epoch milliseconds; null where it does not say. */
  endsAt: number | null
}

/** The mark in the meta of a job; null where the job does not declare our keys. */
export function markInMeta(meta: Readonly<Record<string, string>> | null | undefined): Mark | null {
  const { MUSTER_OWNER: owner, MUSTER_DISPATCH: dispatch, MUSTER_ENDS_AT: ends } = meta ?? {}
  if (owner === undefined || dispatch === undefined) return null
  return { owner, dispatch, endsAt: ends !== undefined && /^\d+$/.test(ends) ? Number(ends) * 1_000 : null }
}

const marked = z.object({ owner: z.string(), dispatch: z.string(), ends_at: z.number() })

/** The mark in the payload of a job; null for one that somebody else dispatched. */
export function markInPayload(payload: string | null | undefined): Mark | null {
  try {
    const read = marked.safeParse(JSON.parse(Buffer.from(payload ?? '', 'base64').toString('utf8')))
    return read.success
      ? { owner: read.data.owner, dispatch: read.data.dispatch, endsAt: read.data.ends_at * 1_000 }
      : null
  } catch {
    return null
  }
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000)
}
