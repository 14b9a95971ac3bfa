/** This dispatcher cannot serve on this machine as it is configured. The message says how to mend it. */
export class DispatcherUnusable extends Error {
  override readonly name = 'DispatcherUnusable'
}

/** Nothing was started, for sure: the slot is free at once and the job may be asked again. */
export class DispatchRefused extends Error {
  override readonly name = 'DispatchRefused'
  /** Epoch milliseconds before which it is no use to ask again (`Retry-After`); null when none was named. */
  readonly retryAt: number | null

  constructor(reason: string, options: { retryAt?: number | null; cause?: unknown } = {}) {
    super(reason, { cause: options.cause })
    this.retryAt = options.retryAt ?? null
  }
}

/** No answer came for as long as a runner may live, and the call was ended by us: nothing is known that was not known before. */
export class DispatchUnanswered extends Error {
  override readonly name = 'DispatchUnanswered'
}

/** The runner may have been started and may not: a connection broken after the first byte, a 5xx that is not the API's own. */
export class DispatchUnknown extends Error {
  override readonly name = 'DispatchUnknown'

  constructor(reason: string, options: { cause?: unknown } = {}) {
    super(reason, { cause: options.cause })
  }
}
