import { type Finding, good, note, problem } from '../../core/finding.ts'
import type { Capabilities, CheckQuery } from '../forge.ts'
import { type CheckedServer, nameOf } from './checked-server.ts'
import { checkHook } from './hook-check.ts'
import { checkKind, checkReach } from './reach-check.ts'
import { fixFor, trial } from './refusal.ts'
import { checkScope } from './scope-check.ts'
import { checkToken } from './token-check.ts'

/**
 * `Forge.check` of Forgejo and Gitea, by the same names: `forge_reachable`, `clock`, `forge_kind`, `token`, `token_scopes`, `scope`,
 * `actions`, `repository_public`, `jobs`, `runners`, `registration`, `forge_version` (with what it can do), `hook`, `hook_active`,
 * `hook_content_type`, `hook_events`, `hook_doubles`, `hook_receiver`, `hook_deliveries`, `requests`; and `check` where it broke off.
 * All it sends are reads. It ends early where the rest could only repeat what was found.
 */
export async function checkOwnServer(
  server: CheckedServer,
  query: CheckQuery,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  try {
    for await (const finding of walk(server, query, signal)) findings.push(finding)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    findings.push(problem('check', `the check broke off: ${why}`, 'run it again, and report it if it breaks off again'))
  }
  return findings
}

/** Behind these problems there is nothing to be seen. */
const hopeless = ['forge_kind', 'token', 'scope']

async function* walk(server: CheckedServer, query: CheckQuery, signal: AbortSignal): AsyncGenerator<Finding> {
  const { findings, version } = await checkReach(server, signal)
  yield* findings
  if (version === null) return
  const ways = [
    () => checkKind(server, version, signal),
    () => checkToken(server, query, signal),
    () => checkScope(server, query, signal),
  ]
  for (const look of ways) {
    const found = await look()
    yield* found
    if (found.some(({ level, check }) => level === 'problem' && hopeless.includes(check))) return
  }

  const { kind, told } = server
  const jobs = await listed('jobs', 'its queued and running jobs', server.listsJobs(signal), told.noJobs, server)
  const runners = await listed('runners', 'its runners', server.listsRunners(signal), told.noRunners, server)
  yield jobs.finding
  yield runners.finding
  const registration = await registered(server, runners.there, signal)
  if (query.registers) yield* registration.findings
  const abilities = abilitiesOf(jobs.there, runners.there, registration.value)
  yield note('forge_version', [`${nameOf[kind]} ${version}`, ...abilities].join(', '))
  if (query.hook) yield* await checkHook(server, query.hook, signal)
  yield requests(query, Number(jobs.there) + Number(runners.there))
}

/** What is known of what it can do. */
function abilitiesOf(
  jobs: boolean | null,
  runners: boolean | null,
  registration: Capabilities['registration'],
): string[] {
  const lists = Object.entries({ jobs, runners })
  const there = lists.filter(([, known]) => known).map(([name]) => name)
  const missing = lists.filter(([, known]) => known === false).map(([name]) => `no ${name}`)
  const known = [...there, ...missing]
  const registered = { each: 'each runner gets a registration of its own', shared: 'runners share one token' }
  return [
    ...(known.length > 0 ? [`lists ${known.join(' and ')}`] : []),
    ...(registration === null ? [] : [registered[registration]]),
  ]
}

/** `there` is null where the forge refused to say. */
async function listed(
  check: string,
  what: string,
  asked: Promise<boolean>,
  missing: Finding,
  server: CheckedServer,
): Promise<{ there: boolean | null; finding: Finding }> {
  const told = await trial(asked)
  if ('error' in told) return { there: null, finding: problem(check, told.error.message, fixFor(told.error, server)) }
  return { there: told.value, finding: told.value ? good(check, `the forge lists ${what}`) : missing }
}

async function registered(
  server: CheckedServer,
  runners: boolean | null,
  signal: AbortSignal,
): Promise<{ value: Capabilities['registration']; findings: Finding[] }> {
  const told = await trial(server.registration(runners, signal))
  if ('error' in told)
    return { value: null, findings: [problem('registration', told.error.message, fixFor(told.error, server))] }
  const findings = {
    each: [good('registration', 'each runner gets a registration of its own')],
    shared: [server.told.shared],
  }
  return { value: told.value, findings: told.value === null ? [] : findings[told.value] }
}

/** Neither forge limits how often its API is asked. Long lists cost a request for each page more. */
function requests({ looksPerHour: { polling, reconciling } }: CheckQuery, perLook: number): Finding {
  const perHour = (looks: number) => Math.ceil(looks * Math.max(1, perLook))
  const message = `about ${perHour(polling)} requests an hour while it polls, ${perHour(reconciling)} once webhooks work; the forge sets no limit`
  return note('requests', message)
}
