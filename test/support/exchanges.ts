import { network } from './network.ts'
import type { Exchange } from './specs.ts'

/** Runs `work` and answers all that went over the network meanwhile. */
export async function exchangesOf(work: () => Promise<unknown>): Promise<Exchange[]> {
  const sent = new Map<string, Promise<string>>()
  const seen: Promise<Exchange>[] = []
  // A handler that reads the body leaves nothing of it, so it is taken before.
  const onRequest = ({ request, requestId }: { request: Request; requestId: string }) => {
    sent.set(requestId, request.clone().text())
  }
  const onResponse = ({
    request,
    response,
    requestId,
  }: {
    request: Request
    response: Response
    requestId: string
  }) => {
    const answered = response.clone().text()
    seen.push(exchange(request, sent.get(requestId) ?? Promise.resolve(''), response.status, answered))
  }
  network.events.on('request:start', onRequest)
  network.events.on('response:mocked', onResponse)
  try {
    await work()
    return await Promise.all(seen)
  } finally {
    network.events.removeListener('request:start', onRequest)
    network.events.removeListener('response:mocked', onResponse)
  }
}

async function exchange(
  { method, url }: Request,
  sent: Promise<string>,
  status: number,
  answered: Promise<string>,
): Promise<Exchange> {
  return { method, url: new URL(url), sent: json(await sent), status, answered: json(await answered) }
}

function json(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text)
}
