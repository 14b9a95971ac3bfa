import { z } from 'zod'
import { marks } from './marks.ts'

const metadata = z.object({
  name: z.string(),
  uid: z.string(),
  resourceVersion: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  deletionTimestamp: z.unknown().optional(),
})

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
})

const job = z.object({
  metadata,
  spec: z.object({
    suspend: z.boolean().optional(),
    template: z.object({
      spec: z.object({
        volumes: z
          .array(z.object({ name: z.string(), secret: z.object({ secretName: z.string().optional() }).optional() }))
          .optional(),
      }),
    }),
  }),
  status: z.object({ conditions: z.array(condition).optional() }).optional(),
})

const containerStatus = z.object({
  state: z.object({ waiting: z.object({ reason: z.string(), message: z.string() }).partial().optional() }).optional(),
})

const pod = z.object({
  metadata,
  status: z
    .object({
      phase: z.string(),
      conditions: z.array(condition),
      initContainerStatuses: z.array(containerStatus),
      containerStatuses: z.array(containerStatus),
    })
    .partial()
    .optional(),
})

const event = z.object({ involvedObject: z.object({ uid: z.string() }), reason: z.string(), message: z.string() })

/** Jobs, pods and events as the API lists them (batch/v1, v1 of Kubernetes 1.29 and later): only the fields that are read. */
export type SeenJob = z.output<typeof job>
export type SeenPod = z.output<typeof pod>
export type SeenEvent = z.output<typeof event>

/** Null for what does not have the shape. */
export const seenJob = (object: unknown): SeenJob | null => job.safeParse(object).data ?? null
export const seenPod = (object: unknown): SeenPod | null => pod.safeParse(object).data ?? null
export const seenEvent = (object: unknown): SeenEvent | null => event.safeParse(object).data ?? null

/** The name of the volume that holds the start script. */
export const scriptVolume = 'muster-start'

/** The Secret that the pod of this Job waits for; null where it is none of ours. */
export function secretOf({ spec }: SeenJob): string | null {
  const volume = spec.template.spec.volumes?.find(({ name }) => name === scriptVolume)
  return volume?.secret?.secretName ?? null
}

/** The dispatch that an object of ours belongs to; null for one of another owner. */
export function dispatchOf({ metadata }: SeenJob | SeenPod, owner: string): string | null {
  return metadata.annotations?.[marks.owner] === owner ? (metadata.labels?.[marks.dispatch] ?? null) : null
}

/** A start that has not come to its end: no pod of it was ever let begin. */
export function isBegun({ metadata, spec }: SeenJob): boolean {
  return spec.suspend === true && metadata.annotations?.[marks.started] === undefined
}

/** It will run no pod any more. */
export function hasFinished({ status }: SeenJob): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status: so }) => so === 'True' && (type === 'Complete' || type === 'Failed'),
  )
}

/** A pod that may still run: one that is being deleted does until it is gone. */
export function mayRun({ status }: SeenPod): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
}

/** What a container waits for while all is well. */
const usual = new Set(['ContainerCreating', 'PodInitializing'])

/** Why a pod does not come up, in Kubernetes' own words; null while nothing is wrong. */
export function hindrance({ status }: SeenPod): string | null {
  const unscheduled = status?.conditions?.find(({ type, status: so }) => type === 'PodScheduled' && so === 'False')
  if (unscheduled) return words(unscheduled)
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const waiting = containers.map(({ state }) => state?.waiting).find((one) => one?.reason && !usual.has(one.reason))
  return waiting ? words(waiting) : null
}

function words({ reason, message }: { reason?: string; message?: string }): string {
  return [reason, message].filter(Boolean).join(': ')
}
