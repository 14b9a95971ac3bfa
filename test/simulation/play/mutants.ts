import { registerHooks } from 'node:module'
import type { Setting } from './setting.ts'

/** One line of a source, and what stands in its place. Indentation does not count. */
interface Patch {
  file: string
  line: string
  instead: string
}

export interface Mutant {
  name: string
  /** The mistake, as somebody might make it. */
  mistake: string
  patches: readonly Patch[]
  /** From where the tests search: its tape was the first to tell when this was written. */
  seed: number
  /** Where the mistake can show at all; absent means everywhere. */
  shows?: (setting: Setting) => boolean
}

/** The mistakes that this trade is known for. A simulation that one of them survives proves nothing. */
export const mutants: readonly Mutant[] = [
  {
    name: 'edge-only',
    mistake: 'once webhooks work nobody looks any more',
    seed: 0,
    patches: [
      {
        file: 'worker/worker.ts',
        line: 'if (this.#nextLookAt !== null && clock.now() >= this.#nextLookAt) this.#beginLook()',
        instead: 'if (this.#state.cadence.attemptedAt === null) this.#beginLook()',
      },
    ],
  },
  {
    name: 'ttl-only-capacity',
    mistake: 'a slot is free after the ttl, whatever still runs',
    seed: 36,
    patches: [
      {
        file: 'core/gone.ts',
        line: "if (seen !== null && isUnseen(dispatch, draft.runner(dispatch.runner), seen)) return 'never_seen'",
        instead: "if (draft.now >= dispatch.sentAt! + dispatch.ttl) return 'never_seen'",
      },
    ],
  },
  {
    name: 'one-deadline',
    mistake: 'what no longer covers a job no longer counts toward max',
    seed: 13,
    patches: [
      {
        file: 'core/gone.ts',
        line: 'const seen = rules.runnersSeenAt',
        instead:
          "const seen = rules.runnersSeenAt; if (dispatch.runner === null && draft.now >= coversUntil(dispatch)) return 'never_seen'",
      },
    ],
  },
  {
    name: 'no-intent',
    mistake: 'a runner is asked for before it is written down',
    seed: 0,
    patches: [
      {
        file: 'store/sql/dispatches.ts',
        line: "if (!(yield* dispatches.write(db, { ...dispatch, state: 'intended', version: 0 }))) continue",
        instead: '',
      },
      {
        file: 'worker/lane.ts',
        line: 'if (sent === null || sent.goneAt !== null || this.#stopped) return null',
        instead: '',
      },
    ],
  },
  {
    name: 'reset-is-failed',
    mistake: 'a connection that breaks off means that nothing was started',
    shows: ({ faults }) => faults.depot > 0,
    seed: 1,
    patches: [
      {
        file: 'worker/launch.ts',
        line: ": { kind: 'unknown', at, reason: message(settled) }",
        instead: ": { kind: 'refused', at, reason: message(settled), retryAt: null }",
      },
    ],
  },
  {
    name: 'no-dedupe',
    mistake: 'a delivery that comes twice is folded in twice',
    // Elsewhere a look has to list what is queued again.
    shows: ({ dialect, faults }) => !dialect.lists.jobs && faults.late > 0,
    seed: 39,
    patches: [
      {
        file: 'store/sql/deliveries.ts',
        line: "if (!(yield* isNew(db, delivery))) return 'duplicate'",
        instead: 'yield* isNew(db, delivery)',
      },
    ],
  },
  {
    name: 'absence-from-a-part',
    mistake: 'what one page does not show is not there',
    shows: ({ traits, faults }) => traits.lists && faults.depot > 0,
    seed: 1,
    patches: [
      { file: 'core/runners-seen.ts', line: 'if (!list.complete) return', instead: '' },
      {
        file: 'core/gone.ts',
        line: 'if (!list.complete || list.askedAt <= (dispatch.answeredAt ?? dispatch.sentAt!)) return false',
        instead: 'if (list.askedAt <= (dispatch.answeredAt ?? dispatch.sentAt!)) return false',
      },
      {
        file: 'core/jobs-seen.ts',
        line: 'return complete || (repository !== null && repositories?.has(repository.toLowerCase()) === true)',
        instead: 'return complete || repository !== repositories',
      },
    ],
  },
  {
    name: 'kill-on-one-look',
    mistake: 'a runner is ended as soon as one list calls it idle',
    seed: 16,
    patches: [
      {
        file: 'core/idle.ts',
        line: "if (runner.state !== 'idle' || runner.idleLooks < 2 || !snapshot.stoppable.has(dispatch.dispatcher)) return []",
        instead: "if (runner.state !== 'idle' || !snapshot.stoppable.has(dispatch.dispatcher)) return []",
      },
    ],
  },
  {
    name: 'top-up-each-turn',
    mistake: 'runners that are on their way are no supply',
    seed: 0,
    patches: [
      {
        file: 'core/supply.ts',
        line: '.filter((dispatch) => isPending(dispatch, now) && !isRequested(dispatch))',
        instead: '.filter((dispatch) => isPending(dispatch, now) && isRequested(dispatch))',
      },
    ],
  },
  {
    name: 'seen-by-delivery-id',
    mistake: 'a delivery under a new id is a new demand',
    shows: ({ dialect, faults }) => dialect.lists.jobs && dialect.tells === 'jobs' && faults.late > 0,
    seed: 15,
    patches: [
      {
        file: 'core/intake.ts',
        line: 'return { ...known, deliveredAt: moment.at, requeuedAt: moment.at, recoveredAt }',
        instead:
          'return announce({ ...openRound(moment.instance, known.round + 1, delivered, moment.at), recoveredAt })',
      },
    ],
  },
  {
    name: 'epoch-ignored',
    mistake: 'a plan is carried out though another process has taken over',
    shows: ({ replicas, faults }) => replicas > 1 && faults.stop > 0,
    seed: 48,
    patches: [
      { file: 'store/sql/instances.ts', line: 'if (now !== epoch) {', instead: 'if (now < epoch) {' },
      {
        file: 'store/sql/dispatches.ts',
        line: 'if (!dispatch || (epoch !== undefined && epoch !== (yield* epochOf(db, dispatch.instance)))) return null',
        instead:
          'if (!dispatch || (epoch !== undefined && epoch > (yield* epochOf(db, dispatch.instance)))) return null',
      },
    ],
  },
  {
    name: 'completed-decrements',
    mistake: 'each job that ends takes one runner off the count, cancelled ones too',
    seed: 6647,
    // Where nobody names runners, any start may be of any; what stands still may have decided before the end; and there has to be room.
    shows: ({ traits, dialect, targets, faults }) =>
      traits.names &&
      dialect.namesRunners &&
      targets[0]!.max > 2 &&
      targets[0]!.minIdle === 0 &&
      faults.stop + faults.store + faults.crash === 0 &&
      faults.deliveries.lose !== 100,
    patches: [
      {
        file: 'core/ties.ts',
        line: "else if (job.state === 'running' || !wasCancelled(job)) startOnUnknown(draft, job, rules, beganAt)",
        instead: 'else startOnUnknown(draft, job, rules, beganAt)',
      },
    ],
  },
  {
    name: 'no-back-off',
    mistake: 'what was refused is asked for again at once',
    seed: 3,
    patches: [
      {
        file: 'core/backoff.ts',
        line: 'return Math.min(30, 2 ** Math.min(Math.max(failures, 1) - 1, 10)) * second',
        instead: 'return 0 * failures',
      },
    ],
  },
]

/** Lets the sources be read with the mistake in them. To be called before they are imported; only this process is touched. */
export function plant({ name, patches }: Mutant): void {
  const missing = new Set(patches)
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const here = patches.filter(({ file }) => url.endsWith(`/src/${file}`))
      if (here.length === 0) return loaded
      let source = String(loaded.source)
      for (const patch of here) {
        source = patched(source, patch, name)
        missing.delete(patch)
      }
      return { ...loaded, source }
    },
  })
  process.on('exit', () => {
    for (const { file } of missing) console.error(`mutant ${name}: src/${file} was never read`)
    if (missing.size > 0) process.exitCode = 2
  })
}

function patched(source: string, { file, line, instead }: Patch, name: string): string {
  const lines = source.split('\n')
  const places = lines.flatMap((text, at) => (text.trim() === line ? [at] : []))
  const [place] = places
  if (place === undefined || places.length > 1)
    throw new Error(`mutant ${name}: src/${file} has ${places.length} lines like this, not one: ${line}`)
  lines[place] = instead
  return lines.join('\n')
}
