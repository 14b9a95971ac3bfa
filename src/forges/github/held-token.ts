import { Secret } from '../../secret.ts'

/** A token that is fetched again and again, known as one secret that changes: so the log's scrubber learns each value before it is used. */
export interface HeldToken {
  secret: Secret
  hold(value: string): void
}

export function createHeldToken(source: string): HeldToken {
  let value = ''
  const secret = new Secret(() => value, source)
  return {
    secret,
    hold(fetched) {
      value = fetched
      // Tells those who watch it.
      secret.reveal()
    },
  }
}
