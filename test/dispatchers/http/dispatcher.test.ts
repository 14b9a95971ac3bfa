import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { HttpOptions } from '../../../src/dispatchers/http/options.ts'
import { Secret } from '../../../src/secret.ts'
import { aRequest, canary, never } from '../contract.ts'
import { aService, type Behaviour, type HttpPlace, say } from './place.ts'

let service: HttpPlace
beforeEach(async () => {
  service = await aService()
})
afterEach(() => service.close())

const launch = (over = {}, options: Partial<HttpOptions> = {}, signal = never) =>
  service.dispatcher('muster', options).launch(aRequest(over), signal)
const outcomeOf = (behaviour: Behaviour, over = {}) => {
  service.behave(behaviour)
  return expect(launch(over)).rejects
}

// product.md §7; the request is the behaviour here.
test('asks as the dispatcher API has it', async () => {
  const id = 'd1'
  await launch({ id, labels: ['gpu'], machineType: '6x14', image: 'node:26', env: { A: 'b' } })
  expect(service.calls).toMatchObject([
    {
      method: 'POST',
      path: '/api/v1/dispatch',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${canary}`,
        'idempotency-key': id,
        'x-muster-job': 'main/42',
      },
      body: {
        count: 1,
        labels: ['gpu'],
        ttl: '20m0s',
        machine_type: '6x14',
        image: 'node:26',
        env: { A: 'b' },
        scope: { level: 'repository', owner: 'acme', name: 'widgets' },
      },
    },
  ])
})

test('tells the name of the runner', async () => {
  await expect(launch()).resolves.toEqual({ name: 'nscloud-0' })
})

// What is sent over a connection that the other side is about to end may or may not have arrived.
test('takes a connection of its own for each call', async () => {
  const ports = new Set<number | undefined>()
  service.behave((_, answer, request) => {
    ports.add(request.socket.remotePort)
    say(answer, 200, { runners: [{ name: 'nscloud-0' }] })
  })
  const dispatcher = service.dispatcher()
  await dispatcher.launch(aRequest(), never)
  await dispatcher.launch(aRequest(), never)
  expect(ports.size).toBe(2)
})

test('may be asked again only when it is said to honour the key', () => {
  expect(service.dispatcher('muster', { idempotent: false }).traits.askAgain).toBe(false)
  expect(service.dispatcher('muster', { idempotent: true }).traits.askAgain).toBe(true)
})

// The ancestor's dispatcher answers when its runner has ended, and kills it when the caller goes away (seed-systems.md B10).
describe('a dispatcher that blocks', () => {
  const blocks = () => {
    const heard: { answer?: () => void; left: boolean } = { left: false }
    service.behave((_, answer) => {
      heard.answer = () => say(answer, 200, { runners: [{ name: 'slow' }] })
      answer.on('close', () => {
        heard.left = !answer.writableFinished
      })
    })
    return heard
  }

  test('is heard out', async () => {
    const heard = blocks()
    const answer = launch()
    await vi.waitFor(() => expect(heard.answer).toBeDefined())
    expect(heard.left).toBe(false)
    heard.answer?.()
    await expect(answer).resolves.toEqual({ name: 'slow' })
  })

  test('is left when its caller gives up, and what became of the runner is not known', async () => {
    const heard = blocks()
    const giveUp = new AbortController()
    const answer = launch({}, {}, giveUp.signal)
    await vi.waitFor(() => expect(heard.answer).toBeDefined())
    giveUp.abort()
    await expect(answer).rejects.toMatchObject({ name: 'DispatchUnknown' })
    await vi.waitFor(() => expect(heard.left).toBe(true))
  })

  test('is left when the dispatcher is closed', async () => {
    const heard = blocks()
    const dispatcher = service.dispatcher()
    const answer = dispatcher.launch(aRequest(), never)
    await vi.waitFor(() => expect(heard.answer).toBeDefined())
    await Promise.all([expect(answer).rejects.toMatchObject({ name: 'DispatchUnknown' }), dispatcher.close?.()])
  })
})

// reliability.md F18 to F27
describe('what became of the runner is not known', () => {
  const unknown = { name: 'DispatchUnknown' }

  test('when the connection breaks after the request', async () => {
    await outcomeOf((_, __, request) => request.socket.resetAndDestroy()).toMatchObject(unknown)
  })
  test('when the connection breaks within the answer', async () => {
    const behaviour: Behaviour = (_, answer) => {
      answer.writeHead(200, { 'content-length': '1000' })
      answer.write('{"runners"', () => answer.destroy())
    }
    await outcomeOf(behaviour).toMatchObject(unknown)
  })
  const unanswered = { name: 'DispatchUnanswered' }
  test('when no answer comes before the ttl', async () => {
    await outcomeOf(() => undefined, { ttl: 200 }).toMatchObject(unanswered)
  })
  test('when the answer drips until the ttl', async () => {
    let dripping: NodeJS.Timeout | undefined
    const behaviour: Behaviour = (_, answer) => {
      answer.writeHead(200)
      dripping = setInterval(() => answer.write(' '), 10)
    }
    await outcomeOf(behaviour, { ttl: 200 }).toMatchObject(unanswered)
    clearInterval(dripping)
  })
  test('when the answer is endless', async () => {
    let sent = 0
    const behaviour: Behaviour = (_, answer) => {
      const chunk = Buffer.alloc(64 * 1024, ' ')
      const pour = () => {
        for (let more = true; more && sent < 2 ** 30 && !answer.destroyed; sent += chunk.length)
          more = answer.write(chunk)
      }
      answer.writeHead(200)
      answer.on('drain', pour)
      pour()
    }
    await outcomeOf(behaviour).toMatchObject({ ...unknown, message: expect.stringContaining('larger than') })
    expect(sent).toBeLessThan(2 ** 27)
  })
  test('when a proxy says 502, or its login page 200', async () => {
    await outcomeOf((_, answer) => say(answer, 502, '<html>Bad gateway</html>')).toMatchObject(unknown)
    await outcomeOf((_, answer) => say(answer, 200, '<html>Sign in</html>')).toMatchObject(unknown)
  })
  test('when a packed answer comes that nobody asked for', async () => {
    await outcomeOf((_, answer) => say(answer, 200, 'x', { 'content-encoding': 'gzip' })).toMatchObject(unknown)
  })
})

describe('nothing was started', () => {
  test('when nobody listens', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const address = closed.address()
    await new Promise((resolve) => closed.close(resolve))
    const port = typeof address === 'object' ? address?.port : 0
    const answer = launch({}, { url: new URL(`http://x:${canary}@127.0.0.1:${port}`), token: null })
    await expect(answer).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('ECONNREFUSED'),
    })
    await expect(answer).rejects.not.toThrow(canary)
  })
  test('when the host is not known', async () => {
    const answer = launch({}, { url: new URL('http://dispatcher.invalid') })
    await expect(answer).rejects.toMatchObject({ name: 'DispatchRefused' })
  })
  test('when the call was given up before it began', async () => {
    await expect(launch({}, {}, AbortSignal.abort())).rejects.toMatchObject({ name: 'DispatchRefused' })
    expect(service.calls).toEqual([])
  })
  test('when the dispatcher itself says so', async () => {
    await outcomeOf((_, answer) => say(answer, 500, { error: 'no capacity' })).toMatchObject({
      name: 'DispatchRefused',
      message: 'answered 500: no capacity',
      retryAt: null,
    })
  })
  test('when the token is wrong', async () => {
    const answer = launch({}, { token: null })
    await expect(answer).rejects.toMatchObject({ name: 'DispatchRefused', message: 'answered 401: who are you?' })
  })
  test('when our token cannot be read', async () => {
    const lost = new Secret(() => {
      throw new Error('ENOENT: /run/token')
    })
    await expect(launch({}, { token: lost })).rejects.toMatchObject({ name: 'DispatchRefused' })
    expect(service.calls).toEqual([])
  })
  test('when it is asked too often, and it says until when', async () => {
    const refusal = { name: 'DispatchRefused', retryAt: expect.any(Number) }
    await outcomeOf((_, answer) => say(answer, 429, '', { 'retry-after': '60' })).toMatchObject(refusal)
  })
  test('when it sends us elsewhere: the token does not go there', async () => {
    const elsewhere = await aService()
    await outcomeOf((_, answer) => say(answer, 307, '', { location: elsewhere.url })).toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('redirect'),
    })
    expect(elsewhere.calls).toEqual([])
    await elsewhere.close()
  })
})

describe('a reason is fit to be shown:', () => {
  const wrong =
    (error: string): Behaviour =>
    (_, answer) =>
      say(answer, 400, { error })

  test('our credential in it is scrubbed', async () => {
    await outcomeOf(wrong(`bad token ${canary}`)).toMatchObject({ message: 'answered 400: bad token ***' })
  })
  test('so is the password of the address, in each form', async () => {
    service.behave(wrong(`x:p%40ssword ${btoa('x:p@ssword')} p@ssword`))
    const answer = launch({}, { url: new URL(service.url.replace('//', '//x:p%40ssword@')), token: null })
    await expect(answer).rejects.toThrow(/^answered 400: x:\*\*\* \*\*\* \*\*\*$/)
  })
  test('it is one line of at most 256 characters', async () => {
    await outcomeOf(wrong(`\u001b[31mred\u001b[0m\r\n\u202Eforged line ${'x'.repeat(1_000)}`)).toMatchObject({
      message: expect.stringMatching(/^answered 400: red forged line x+…$/),
    })
    await outcomeOf(wrong('x'.repeat(1_000))).toMatchObject({ message: expect.stringMatching(/^.{256}$/) })
  })
})
