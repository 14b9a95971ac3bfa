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

/** The runner may have been started and may not: a connection broken after the first byte, a 5xx that is not the API's own. */
export class DispatchUnknown extends Error {
  override readonly name = 'DispatchUnknown'

  constructor(reason: string, options: { cause?: unknown } = {}) {
    super(reason, { cause: options.cause })
  }
}
