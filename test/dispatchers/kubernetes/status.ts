/** A refusal as the API words it: the body of an answer of the kind `Status`. */
export class Refusal extends Error {
  readonly code: number
  readonly reason: string
  readonly headers: Record<string, string>

  constructor(code: number, reason: string, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.code = code
    this.reason = reason
    this.headers = headers
  }

  get body(): object {
    const { code, reason, message } = this
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
  }
}

export function refuse(code: number, reason: string, message: string, headers?: Record<string, string>): never {
  throw new Refusal(code, reason, message, headers)
}

export function invalid(message: string): never {
  refuse(422, 'Invalid', `Job.batch is invalid: ${message}`)
}
