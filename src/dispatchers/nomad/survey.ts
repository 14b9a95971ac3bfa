import type { Child, NomadApi } from './api.ts'
import { type Mark, markInMeta, markInPayload } from './parcel.ts'

/** A runner of ours that lives in Nomad. */
export interface Found {
  /** The id of Nomad's job. */
  job: string
  dispatch: string
  /** Epoch milliseconds; null where the job does not say. */
  endsAt: number | null
}

export interface Survey {
  /** False when it could not be told of some job whose it is. */
  complete: boolean
  found: readonly Found[]
}

/** Looks at what lives for an owner. A job whose meta does not say so is asked for its payload, once. */
export function createSurvey(api: NomadApi, owner: string): (signal: AbortSignal) => Promise<Survey> {
  const marks = new Map<string, Mark | null>()

  return async (signal) => {
    const children = await api.children(signal)
    const present = new Set(children.map(({ ID }) => ID))
    for (const id of marks.keys()) if (!present.has(id)) marks.delete(id)
    const found: Found[] = []
    let complete = true
    for (const child of children) {
      const mark = await markOf(child, signal)
      if (mark === 'unreadable') complete = false
      else if (mark?.owner === owner) found.push({ job: child.ID, dispatch: mark.dispatch, endsAt: mark.endsAt })
    }
    return { complete, found }
  }

  async function markOf({ ID, Meta }: Child, signal: AbortSignal): Promise<Mark | null | 'unreadable'> {
    const told = markInMeta(Meta) ?? marks.get(ID)
    if (told !== undefined) return told
    try {
      const mark = markInPayload((await api.job(ID, signal))?.Payload)
      marks.set(ID, mark)
      return mark
    } catch {
      signal.throwIfAborted()
      return 'unreadable'
    }
  }
}
