import { z } from 'zod'

/** How far our hook's deliveries have been read back. */
export interface Watermark {
  /** Of the hook: another one has deliveries of its own. */
  hook: string
  /** When the delivery was made up to which all is known, epoch milliseconds by GitHub's clock. */
  at: number
}

const written = z.object({ hook: z.string(), delivered_at: z.iso.datetime(), id: z.string().nullable() })

/** Null for none, and for what another version wrote. */
export function readWatermark(text: string | null): Watermark | null {
  if (text === null) return null
  try {
    const { hook, delivered_at } = written.parse(JSON.parse(text))
    return { hook, at: Date.parse(delivered_at) }
  } catch {
    return null
  }
}

/** The id is for people, who look for the delivery on GitHub's page. */
export function writeWatermark({ hook, at }: Watermark, id: string | null): string {
  return JSON.stringify({ hook, delivered_at: new Date(at).toISOString(), id } satisfies z.input<typeof written>)
}
