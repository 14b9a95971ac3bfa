import { type Finding, good, problem } from '../../core/finding.ts'
import { HttpFailed } from '../../http-client.ts'
import type { NomadApi, WholeJob } from './api.ts'
import type { NomadOptions } from './options.ts'
import { metaKeys } from './parcel.ts'

const ourJob = 'deploy/nomad/muster-runner.nomad.hcl'
const ourPolicy = 'deploy/nomad/muster.policy.hcl'

/** What `muster check` says of a Nomad as it is configured. Starts nothing; never rejects. */
export async function findings(
  api: NomadApi,
  options: NomadOptions,
  signal: AbortSignal,
  scrub: (text: string) => string,
): Promise<readonly Finding[]> {
  const where = options.url.origin
  try {
    const leader = await api.leader(signal)
    if (leader === '')
      return [
        problem('nomad_reachable', `Nomad at ${where} has no leader.`, 'Wait for an election, or mend its servers.'),
      ]
  } catch (error) {
    return [problem('nomad_reachable', `Nomad at ${where} cannot be asked: ${words(error)}.`, reachFix(error))]
  }
  const reachable = good('nomad_reachable', `Nomad answers at ${where}.`)
  return [reachable, ...(await aboutJob()), await aboutList()]

  async function aboutJob(): Promise<Finding[]> {
    try {
      const job = await api.job(options.job, signal)
      const wrong = jobFindings(job, options)
      return wrong.length > 0 ? wrong : [good('nomad_job', `The job "${options.job}" can be dispatched.`)]
    } catch (error) {
      return [problem('nomad_job', `The job "${options.job}" cannot be read: ${words(error)}.`, tokenFix('read-job'))]
    }
  }

  async function aboutList(): Promise<Finding> {
    try {
      await api.children(signal)
      return good('nomad_list', 'Its dispatched jobs can be listed.')
    } catch (error) {
      return problem('nomad_list', `Its dispatched jobs cannot be listed: ${words(error)}.`, tokenFix('list-jobs'))
    }
  }

  function words(error: unknown): string {
    return scrub(error instanceof Error ? error.message : String(error))
  }
}

/** What in a job keeps it from being dispatched, or from running a runner once. */
function jobFindings(job: WholeJob | null, { job: id, meta }: NomadOptions): Finding[] {
  const found: Finding[] = []
  const wrong = (message: string, fix: string) => found.push(problem('nomad_job', message, fix))
  if (job === null) {
    wrong(
      `There is no job "${id}" in this namespace.`,
      `Register one: nomad job run ${ourJob}, or set "job" and "namespace".`,
    )
    return found
  }
  const parameters = job.ParameterizedJob
  if (!parameters) {
    wrong(
      `The job "${id}" is not parameterized, so it cannot be dispatched.`,
      `Give it a "parameterized" block as in ${ourJob}.`,
    )
    return found
  }
  if (job.Stop) wrong(`The job "${id}" is stopped.`, `Start it again: nomad job run ${ourJob}.`)
  if (parameters.Payload === 'forbidden')
    wrong(`The job "${id}" takes no payload, which brings the runner's credential.`, 'Set payload = "required" in it.')
  const [required, optional] = [parameters.MetaRequired ?? [], parameters.MetaOptional ?? []]
  const sent = metaKeys(meta)
  const undeclared = sent.filter((key) => !required.includes(key) && !optional.includes(key))
  const lacking = required.filter((key) => !sent.includes(key))
  if (undeclared.length > 0)
    wrong(
      `The job "${id}" does not declare the meta ${undeclared.join(', ')}, so Nomad refuses each dispatch.`,
      meta === 'full'
        ? 'Declare them in meta_optional, or set "meta: ancestor" where only the four keys of the ancestor are declared.'
        : 'Declare them in meta_optional.',
    )
  if (lacking.length > 0)
    wrong(`The job "${id}" requires the meta ${lacking.join(', ')}, which is not sent.`, 'Move them to meta_optional.')
  for (const group of job.TaskGroups ?? []) {
    const again =
      (group.RestartPolicy?.Attempts ?? 0) > 0 ||
      group.ReschedulePolicy?.Unlimited ||
      (group.ReschedulePolicy?.Attempts ?? 0) > 0
    if (again)
      found.push({
        level: 'warning',
        check: 'nomad_job',
        message: `The group "${group.Name}" of the job "${id}" starts a runner again that failed, with a credential that is spent.`,
        fix: 'Set attempts = 0 in its restart and reschedule blocks (and unlimited = false).',
      })
  }
  return found
}

function reachFix(error: unknown): string {
  const tls = error instanceof HttpFailed && /CERT|SIGNATURE|ISSUER|SELF_SIGNED/.test(error.code)
  return tls
    ? 'Set "ca_file" to the authority that signed its certificate.'
    : 'Set "url" to the HTTP address of a Nomad agent, and see that it can be reached from here.'
}

function tokenFix(capability: string): string {
  return `Set "token" to one whose policy has ${capability} in this namespace: ${ourPolicy} has all that is needed.`
}
