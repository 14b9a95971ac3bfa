import { styleText } from 'node:util'
import { nearest } from '../core/nearest.ts'
import { span } from '../core/wording.ts'
import { runningService, type Service, ServiceFailed } from './admin-api.ts'
import { type Command, Usage } from './command.ts'
import { printable } from './printable.ts'

/** `muster explain INSTANCE/JOB`: asks the running service why a job has, or has not, a runner, and prints its trail. */
export const explain: Command = async (given) => {
  const { instance, id, round } = asked(given.words ?? [], given.round)
  const service = runningService(given)
  try {
    const path = `jobs/${encodeURIComponent(instance)}/${encodeURIComponent(id)}`
    const job = await service.get<ExplainedJob>(round === null ? path : `${path}?round=${round}`)
    if (!job) throw new ServiceFailed(await unknown(service, instance, id, round))
    const out = process.stdout
    out.write(given.json ? `${JSON.stringify(job, null, 2)}\n` : told(job, out.isTTY))
    return 0
  } finally {
    service.close()
  }
}

/** As much of the API's answer as is printed. */
interface ExplainedJob {
  instance: string
  id: string
  round: number
  name: string
  state: string
  labels: string[]
  repository: string | null
  url: string | null
  explanation: { sentence: string; next: string | null }
  trail: {
    type: string
    at: string
    target: string | null
    runner: string | null
    dispatch: string | null
    detail: Record<string, string | number | boolean | null>
  }[]
}

function asked(words: readonly string[], round: string | undefined) {
  const [word = '', ...more] = words
  const slash = word.indexOf('/')
  if (more.length > 0 || slash < 1 || slash === word.length - 1)
    throw new Usage('explain: expected INSTANCE/JOB, such as home/4711')
  if (round !== undefined && !/^[1-9]\d{0,8}$/.test(round)) throw new Usage('--round: expected a number from 1')
  return {
    instance: word.slice(0, slash),
    id: word.slice(slash + 1),
    round: round === undefined ? null : Number(round),
  }
}

async function unknown(service: Service, instance: string, id: string, round: number | null): Promise<string> {
  const instances = await service.get<{ items: { name: string }[] }>('instances?limit=500')
  const names = (instances?.items ?? []).map(({ name }) => name)
  if (!names.includes(instance)) {
    const near = nearest(instance, names)
    return `there is no instance "${instance}"${near ? `, did you mean "${near}"?` : ''}; configured: ${names.join(', ')}`
  }
  if (round !== null && (await service.get(`jobs/${encodeURIComponent(instance)}/${encodeURIComponent(id)}`)))
    return `job ${id} of ${instance} is known, but not its round ${round}`
  const ids = await lately(service, instance)
  const close =
    ids.length === 0 ? 'none came lately' : `of late there were ${byLikeness(id, ids).slice(0, 5).join(', ')}`
  return `no job ${id} of ${instance} is known (what is over is remembered for seven days); ${close}`
}

/** The ids of the jobs that came last. */
async function lately(service: Service, instance: string): Promise<string[]> {
  const query = new URLSearchParams({ instance, type: 'job_queued', limit: '200' })
  const events = await service.get<{ items: { job: { id: string } | null }[] }>(`events?${query}`)
  return [...new Set((events?.items ?? []).flatMap(({ job }) => job?.id ?? []))]
}

/** Ids that are nearly the same go first, the others as they came. */
function byLikeness(id: string, ids: readonly string[]): string[] {
  const alike = nearest(id, ids)
  return alike === null ? [...ids] : [alike, ...ids.filter((one) => one !== alike)]
}

/** For people: what it is, why it waits, what comes next, and the trail, each line with its time and how long after the first. */
export function told(job: ExplainedJob, colours: boolean): string {
  const bold = (text: string) => (colours ? styleText('bold', text, { validateStream: false }) : text)
  const dim = (text: string) => (colours ? styleText('dim', text, { validateStream: false }) : text)
  const { instance, id, round, name, state, labels, repository, url, explanation, trail } = job
  const head = `${instance}/${id}, round ${round}: ${name} of ${repository ?? 'an unknown repository'} [${labels.join(', ')}]`
  const [first] = trail
  const began = first ? Date.parse(first.at) : 0
  const lines = trail.map(({ type, at, runner, dispatch, detail }) => {
    const about = [runner ?? dispatch, ...Object.entries(detail).flatMap(fact)].filter((word) => word !== null)
    const time = `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`
    return `  ${dim(time)}  ${`+${span(Date.parse(at) - began)}`.padStart(10)}  ${printable(`${type.padEnd(19)} ${about.join(', ')}`.trimEnd())}`
  })
  return [
    printable(head),
    ...(url === null ? [] : [dim(printable(url))]),
    '',
    `  ${bold(`${state}: ${printable(explanation.sentence)}`)}`,
    ...(explanation.next === null ? [] : [`  next: ${printable(explanation.next)}`]),
    '',
    ...(lines.length > 0 ? lines : ['  nothing is remembered of how it came to this']),
    '',
  ].join('\n')
}

function fact([key, value]: [string, string | number | boolean | null]): string[] {
  return value === null || value === '' ? [] : [`${key.replaceAll('_', ' ')} ${value}`]
}
