import type { Clock } from '../clock.ts'
import { shortDelay } from '../core/backoff.ts'
import type { Dispatch } from '../core/dispatch.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Log } from '../log.ts'
import type { DispatchOutcome, Metrics } from '../metrics.ts'
import type { Store } from '../store/store.ts'

/** A dispatch that something became of, and where that is told. */
interface About {
  dispatch: Dispatch
  log: Log
  /** When the webhook came that announced its job, epoch milliseconds; null for any other demand. */
  announcedAt: number | null
}

/** What became of the dispatches of one lane: written down, counted, told. */
export class Outcomes {
  readonly #deps: { store: Pick<Store, 'settle'>; clock: Clock; metrics: Metrics }
  readonly #dispatcher: string
  /** Aborted when the process ends: what could not be written until then is for the next start to find. */
  readonly #ending: AbortSignal

  constructor(
    deps: { store: Pick<Store, 'settle'>; clock: Clock; metrics: Metrics },
    dispatcher: string,
    ending: AbortSignal,
  ) {
    this.#deps = deps
    this.#dispatcher = dispatcher
    this.#ending = ending
  }

  async settle({ dispatch, log, announcedAt }: About, outcome: Outcome, epoch?: number): Promise<Dispatch | null> {
    const settled = await this.#written(dispatch.id, outcome, epoch, log)
    const { instance, target } = dispatch
    if (outcome.kind === 'sent' && settled?.sentAt === outcome.at && announcedAt !== null)
      this.#deps.metrics.webhookToDispatch.observe({ instance, target }, Math.max(0, outcome.at - announcedAt) / 1_000)
    if (outcome.kind === 'sent' || outcome.kind === 'unsent' || outcome.kind === 'gone') return settled
    this.#count(dispatch, outcome.kind)
    const about = { dispatch: dispatch.id, dispatcher: this.#dispatcher, target, job: dispatch.job?.id }
    if (outcome.kind === 'accepted') log.info(about, 'a runner was accepted')
    else {
      const what = outcome.kind === 'refused' ? 'a runner was refused' : 'a start is unknown'
      log.warn({ ...about, reason: outcome.reason }, what)
    }
    return settled
  }

  /** No answer within the timeout. */
  late({ dispatch, log }: About): void {
    this.#count(dispatch, 'sent')
    const about = { dispatch: dispatch.id, dispatcher: this.#dispatcher }
    log.warn(about, 'no answer yet; the call is kept open')
  }

  /** Until it is written. What nobody knows of would keep its job waiting, or its slot taken, until the next start. */
  async #written(id: string, outcome: Outcome, epoch: number | undefined, log: Log): Promise<Dispatch | null> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#deps.store.settle(id, outcome, epoch)
      } catch (error) {
        if (this.#ending.aborted) throw error
        const about = { err: error, dispatch: id, outcome: outcome.kind }
        log.error(about, 'an outcome could not be recorded; it is tried again')
        await this.#deps.clock.sleep(shortDelay(failures), this.#ending)
      }
    }
  }

  #count({ instance, target }: Dispatch, outcome: DispatchOutcome): void {
    this.#deps.metrics.dispatches.inc({ instance, target, outcome })
  }
}
