import { z } from 'zod'
import { DispatchRefused, DispatchUnknown } from '../errors.ts'
import type { Finished, Programs } from './programs.ts'
import type { Order, Tool, ToolTraits } from './tool.ts'

/** `EX_TEMPFAIL` of sysexits.h: nothing was started, and it may be asked again. */
export const refusedExit = 75

const refusal = z.object({ refused: z.string(), retry_after: z.number().nonnegative().optional() })
const listing = z.object({
  complete: z.boolean().default(true),
  runners: z.array(z.object({ id: z.string(), ends_at: z.number().nullish() })),
})

/** A program of the user's own: called with `launch`, `list` or `stop` behind its arguments, JSON on standard input, JSON on standard output. */
export function ownCommand(
  command: readonly string[],
  { idempotent, lists, stops, local }: ToolTraits,
  now: () => number,
): Tool {
  return {
    traits: { idempotent, lists, stops, local },

    async launch(order, programs) {
      const finished = await call('launch', launchBody(order), programs)
      const answer = json(finished.output)
      const told = refusal.safeParse(answer)
      if (told.success) throw refused(told.data.refused, told.data.retry_after)
      if (finished.code === refusedExit) throw refused(finished.lastWords || 'it gave no reason')
      if (finished.code !== 0) throw new DispatchUnknown(`the command ended with ${ending(finished)}`)
      if (answer === undefined) throw new DispatchUnknown('the command answered something that is not JSON')
    },

    async list(owner, programs) {
      const finished = await call('list', { owner }, programs)
      if (finished.code !== 0) throw new Error(`"list" ended with ${ending(finished)}`)
      const read = listing.safeParse(json(finished.output))
      if (!read.success) throw new Error('"list" did not answer {"runners":[{"id":"…"}]}')
      const runners = read.data.runners.map(({ id, ends_at }) => ({
        id,
        endsAt: typeof ends_at === 'number' ? ends_at * 1_000 : null,
        alive: true,
      }))
      return { complete: read.data.complete, runners }
    },

    async stop(runner, programs) {
      const finished = await call('stop', runner, programs)
      const told = refusal.safeParse(json(finished.output))
      if (told.success) throw new Error(`"stop" was refused: ${told.data.refused}`)
      if (finished.code !== 0) throw new Error(`"stop" ended with ${ending(finished)}`)
    },
  }

  function call(verb: 'launch' | 'list' | 'stop', body: unknown, programs: Programs): Promise<Finished> {
    return programs.run([...command, verb], `${JSON.stringify(body)}\n`)
  }

  function refused(why: string, seconds?: number): DispatchRefused {
    // A command may be wrong about its clock or itself.
    const wait = seconds === undefined ? null : Math.min(Math.max(seconds, 1), 600) * 1_000
    return new DispatchRefused(`the command refused: ${why}`, { retryAt: wait === null ? null : now() + wait })
  }
}

/** What `launch` reads. Times are seconds, since 1970 where they are moments. */
function launchBody({ request, credential, owner, endsAt, start }: Order): Record<string, unknown> {
  return {
    id: request.id,
    name: request.name,
    owner,
    instance: request.instance,
    labels: request.labels,
    ttl_seconds: Math.ceil(request.ttl / 1_000),
    ends_at: Math.ceil(endsAt / 1_000),
    machine_type: request.machineType,
    image: request.image,
    env: request.env,
    scope: request.scope,
    job: request.job,
    repository: request.about?.repository ?? null,
    credential,
    start,
  }
}

/** How a program ended, and its last line. */
export function ending({ code, lastWords }: Finished): string {
  return `${code === null ? 'a signal' : `exit code ${code}`}${lastWords && `: ${lastWords}`}`
}

/** Nothing at all says nothing wrong; undefined for what is no JSON. */
function json(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
