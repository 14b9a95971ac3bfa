import { syncBuiltinESMExports } from 'node:module'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll } from 'vitest'

/** The network of a test file: a request that no handler describes fails the test that made it. */
export const network = setupServer()

beforeAll(() => {
  network.listen({ onUnhandledRequest: 'error' })
  // msw replaces `http.request` on the module object; without this, what was imported by name would go on to the real network.
  syncBuiltinESMExports()
})
afterEach(() => network.resetHandlers())
afterAll(() => {
  network.close()
  syncBuiltinESMExports()
})
