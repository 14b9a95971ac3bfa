import type { Credential } from '../../core/credential.ts'
import { type LabelRules, offered } from '../../core/labels.ts'
import { ForgeMisshapen, ForgeRefused } from '../errors.ts'
import type { ForgeContext, RegisterRequest } from '../forge.ts'
import type { GiteaClient } from './client.ts'

interface RegistrationDeps {
  client: Pick<GiteaClient, 'registrationToken' | 'registerRunner'>
  /** The address of the forge as runners are told it. */
  url: string
  note: ForgeContext['note']
  rules: LabelRules
}

/**
 * Registers ephemeral runners as their own program would, so that the shared token, with which anybody may register any number of
 * runners, never leaves this process. An answer that gets lost leaves a registration that nobody uses, offline under the name asked for.
 */
export function createRegistration({ client, url, note, rules }: RegistrationDeps) {
  let warned = false

  return async ({ name, labels }: RegisterRequest, signal: AbortSignal): Promise<Credential> => {
    const token = await client.registrationToken(signal)
    try {
      const request = { name, token, labels: offered(labels, rules) }
      const { id, uuid, token: own } = await client.registerRunner(request, signal)
      return { kind: 'gitea', url, id, uuid, name, token: own, labels }
    } catch (error) {
      if (!isStrange(error)) throw error
      if (!warned) note(`${shared}: ${error.message}`)
      warned = true
      return { kind: 'registration-token', forge: 'gitea', url, token }
    }
  }
}

const shared =
  'each runner is handed the shared registration token, with which it could register more, because Gitea did not register it for us'

/** The service is not there, or it is another one. A refusal in the service's own words is a refusal. */
function isStrange(error: unknown): error is ForgeRefused | ForgeMisshapen {
  // Connect (connect-go 1.18) answers 415 to a codec that it lacks, and 404 or 501 to a procedure.
  return error instanceof ForgeRefused ? [404, 405, 415, 501].includes(error.status) : error instanceof ForgeMisshapen
}
