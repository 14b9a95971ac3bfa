/** One class per thing that can go wrong with a forge. The worker looks at `retryAt`, never at text. */
export abstract class ForgeError extends Error {
  /** The call that failed, such as `GET /api/v1/repos/o/r/actions/jobs`: no host, no query, no secret. */
  readonly call: string
  /** Epoch milliseconds before which it is no use to ask again; null when the forge named no time. */
  readonly retryAt: number | null

  constructor(message: string, call: string, retryAt: number | null, cause?: unknown) {
    super(message, { cause })
    this.call = call
    this.retryAt = retryAt
    this.name = new.target.name
  }
}

/** The forge answered with a status that is not 2xx: 401, 403, 404, 422, … */
export class ForgeRefused extends ForgeError {
  readonly status: number
  /** What was wrong, in the forge's own words; empty when it gave none. */
  readonly detail: string

  constructor(call: string, status: number, detail: string, retryAt: number | null = null) {
    super(`${call} was refused with ${status}${detail && `: ${detail}`}`, call, retryAt)
    this.status = status
    this.detail = detail
  }
}

/** A primary or secondary rate limit; `retryAt` says until when. */
export class ForgeLimited extends ForgeError {
  constructor(call: string, retryAt: number) {
    super(`${call} is rate limited until ${new Date(retryAt).toISOString()}`, call, retryAt)
  }
}

/** No answer: refused connection, DNS, TLS, deadline, broken off. */
export class ForgeUnreachable extends ForgeError {
  constructor(call: string, why: string, cause?: unknown) {
    super(`${call} got no answer: ${why}`, call, null, cause)
  }
}

/** A 2xx answer in a shape that the forge should not send (an HTML login page, a truncated body, a missing field). */
export class ForgeMisshapen extends ForgeError {
  constructor(call: string, why: string) {
    super(`${call} answered in an unexpected shape: ${why}`, call, null)
  }
}
