import { createHttpClient, type HttpAnswer, HttpFailed } from '../../http-client.ts'
import { Scrubber } from '../../secret.ts'
import type { Dispatcher, DispatcherType, Launched } from '../dispatcher.ts'
import { DispatchRefused, DispatchUnanswered, DispatchUnknown } from '../errors.ts'
import { reason } from '../reason.ts'
import { readAnswer } from './answer.ts'
import type { HttpOptions } from './options.ts'
import { authorization, dispatchUrl, launchBody, launchHeaders } from './request.ts'

/** The API answers in a few bytes; whatever is larger is not its answer. */
const largestAnswer = 1024 * 1024
/** A timer of Node holds no more milliseconds. */
const longestCall = 2 ** 31 - 1

/** Another service that starts runners when asked, over the dispatcher API. */
export const http: DispatcherType<HttpOptions> = {
  kind: 'http',
  create(options, { clock }): Dispatcher {
    // A connection of its own for each call: only then does an error before it stands prove that nothing was sent.
    const client = createHttpClient({ ca: options.ca ?? undefined, maxBytes: largestAnswer, keepAlive: false })
    const url = dispatchUrl(options.url)
    const closing = new AbortController()

    return {
      kind: 'http',
      traits: {
        credentials: 'own',
        names: false,
        askAgain: options.idempotent,
        stops: false,
        lists: false,
        local: false,
      },

      async launch(request, signal): Promise<Launched> {
        const auth = credentials(options)
        const scrubber = new Scrubber()
        for (const secret of auth.secrets) scrubber.add(secret)
        const answer = await client
          .send(
            {
              method: 'POST',
              url,
              headers: { ...launchHeaders(request), ...auth.headers },
              json: launchBody(request),
              // The ancestor answers when its runner has ended, so the call stays open as long as a runner may live.
              deadline: Math.min(request.ttl, longestCall),
            },
            AbortSignal.any([signal, closing.signal]),
          )
          .catch((error: unknown) => fail(error, scrubber))
        return settle(answer, scrubber)
      },

      async close() {
        closing.abort()
        client.close()
      },
    }

    function settle(answer: HttpAnswer, scrubber: Scrubber): Launched {
      const reading = readAnswer(answer, clock.now())
      switch (reading.kind) {
        case 'accepted':
          return { name: reading.name }
        case 'refused':
          throw new DispatchRefused(reason(reading.reason, scrubber), { retryAt: reading.retryAt })
        case 'unknown':
          throw new DispatchUnknown(reason(reading.reason, scrubber))
      }
    }
  },
}

function credentials(options: HttpOptions): ReturnType<typeof authorization> {
  try {
    return authorization(options)
  } catch (error) {
    throw new DispatchRefused(reason(`the token of the dispatcher cannot be read: ${error}`), { cause: error })
  }
}

function fail(error: unknown, scrubber: Scrubber): never {
  if (!(error instanceof HttpFailed)) throw new DispatchUnknown(reason(String(error), scrubber), { cause: error })
  if (error.sent && error.code === 'deadline') throw new DispatchUnanswered('no answer came before the ttl')
  if (error.sent) throw new DispatchUnknown(reason(`the answer did not come: ${error.message}`, scrubber))
  throw new DispatchRefused(reason(`the dispatcher cannot be reached: ${error.message}`, scrubber))
}
