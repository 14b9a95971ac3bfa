import { expect, test } from 'vitest'
import { foldOutcome } from '../../src/core/outcome.ts'
import { aDispatch, aJob, at } from '../support/builders.ts'

// The job was cancelled while its dispatch waited for a free call or for its credential, and was sent all the same.
test('what is over when its request would leave is not sent', () => {
  const sent = (state: 'queued' | 'finished') =>
    foldOutcome(
      { dispatch: aDispatch({ state: 'intended' }), job: aJob({ state, dispatches: 1 }), backoffs: new Map() },
      { kind: 'sent', at: at('12:00:08') },
    )
  expect(sent('finished')).toMatchObject({ dispatch: { goneReason: 'never_sent' }, job: { dispatches: 0 } })
  expect(sent('queued')).toMatchObject({ dispatch: { state: 'sent', goneAt: null } })
})
