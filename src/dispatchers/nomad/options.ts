import { z } from 'zod'
import { url } from '../../fields/address.ts'
import { authoritiesFile } from '../../fields/authorities.ts'
import type { Fields } from '../../fields/mapping.ts'
import { told } from '../../fields/refusal.ts'
import { optionalSecret } from '../../fields/secret.ts'
import { oneOf, optionalText, type Reading, text } from '../../fields.ts'
import type { Secret } from '../../secret.ts'

export interface NomadOptions {
  /** The address of any agent of the cluster. */
  url: URL
  /** The id of the parameterized job that is dispatched. */
  job: string
  /** Null for Nomad's own default. */
  namespace: string | null
  /** Null for the region of the server that is asked. */
  region: string | null
  /** The ACL token; null where ACLs are off. */
  token: Secret | null
  ca: string | null
  /** Which meta keys are sent: Nomad refuses each that the job does not declare. */
  meta: 'full' | 'ancestor'
  /** The runner command as an argument list; null for the one that fits the forge's runner. */
  command: readonly string[] | null
}

/** How it is written, beside what every dispatcher has. */
export function nomadFields(reading: Reading) {
  return {
    url: url(reading),
    // A slash or a space in it would be another job's child, or no id at all (structs.Job.Validate of Nomad).
    job: text('the id of a parameterized job', /^[^/\s\p{Cc}]{1,200}$/u, 'without a slash or a space').prefault(
      'muster-runner',
    ),
    namespace: optionalText,
    region: optionalText,
    token: optionalSecret(reading),
    ca_file: authoritiesFile(reading),
    meta: oneOf(['full', 'ancestor']).default('full'),
    command: z
      .array(text('a text', /^[^\0]*$/), { error: told('a list of arguments', 'such as ["act_runner", "daemon"]') })
      .min(1, { error: told('a list with the program first') })
      .nullable()
      .prefault(null),
  }
}

export function nomadOptions({ ca_file, ...fields }: Fields<ReturnType<typeof nomadFields>>): NomadOptions {
  return { ...fields, ca: ca_file }
}
