import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import type { Engine } from './engine.ts'
import { said } from './faults.ts'
import { jsonLines } from './lines.ts'
import { type Mark, markOf, ownerLabel } from './marks.ts'

export interface EventPorts {
  engine: Engine
  owner: string
  clock: Clock
  note: (sentence: string) => void
  /** The stream stands: what ended unseen is looked up now. */
  opened: () => Promise<void>
  died: (mark: Mark) => void
  /** Aborted when we let go. */
  closing: AbortSignal
}

/** One stream is not believed in for longer: a connection may be dead without a word. Milliseconds. */
const streamLife = 5 * 60_000
/** The longest pause before another try. Milliseconds. */
const longestPause = 60_000

// Docker writes `die`; Podman 4 too, though its own word is `died`.
const died = z.object({
  Action: z.enum(['die', 'died']),
  Actor: z.object({ Attributes: z.record(z.string(), z.string()) }),
})

/** Hears of the ends of our containers for as long as we live. A stream that breaks is opened again after 1, 2, 4 … 60 s. Never rejects. */
export async function followEvents({ engine, owner, clock, note, opened, died, closing }: EventPorts): Promise<void> {
  let failures = 0
  while (!closing.aborted) {
    try {
      await engine.call(streamLife, closing, async (docker, abortSignal) => {
        const stream = await docker.getEvents({ filters: diedOf(owner), abortSignal })
        await opened()
        failures = 0
        for await (const line of jsonLines(stream)) hear(line, owner, died)
      })
    } catch (error) {
      if (closing.aborted) return
      // Ours: it has been open long enough.
      if (error instanceof Error && error.name === 'TimeoutError') continue
      if (failures === 0) note(`the engine tells no events, so the ends of runners are seen late: ${said(error)}`)
    }
    await clock.sleep(Math.min(longestPause, 1_000 * 2 ** failures++), closing)
  }
}

function diedOf(owner: string) {
  return { type: ['container' as const], event: ['die', 'died'], label: [`${ownerLabel}=${owner}`] }
}

function hear(line: unknown, owner: string, tell: (mark: Mark) => void): void {
  const event = died.safeParse(line)
  const mark = event.success ? markOf(event.data.Actor.Attributes) : null
  if (mark?.owner === owner) tell(mark)
}
