import type { Credential } from '../core/credential.ts'
import type { LaunchRequest } from './dispatcher.ts'
import { DispatchRefused } from './errors.ts'

/** How a runner is brought up: what to run, and what to lay beside it. No argument in it is a secret. */
export interface Recipe {
  /** The runner's command; of several the first that is found. */
  programs: readonly string[]
  /** What the user would have to install, for the error when none is found. */
  product: string
  args: readonly string[]
  /** Runs to its end first, with the same program: the registration. `input` is what it reads from standard input. */
  registration: { args: readonly string[]; input: string; env: Readonly<Record<string, string>> } | null
  /** Written into the work folder for the runner alone; `credentialFiles` among them are removed once it had time to read them. */
  files: Readonly<Record<string, string>>
  /** Variables that are part of this way of starting. */
  env: Readonly<Record<string, string>>
}

/** The programs that run the jobs of a forge, of several the first that is found, and what has to be installed to have one. */
export interface RunnerProgram {
  programs: readonly string[]
  product: string
}

const forgejoRunner: RunnerProgram = { programs: ['forgejo-runner'], product: 'forgejo-runner 12.8 or later' }
const giteaRunner: RunnerProgram = {
  programs: ['gitea-runner', 'act_runner'],
  product: 'gitea-runner (or act_runner 0.2.12 or later)',
}
const githubRunner: RunnerProgram = { programs: ['run.sh'], product: 'the GitHub Actions runner' }

/** By kind of forge. */
export const runnerPrograms: ReadonlyMap<string, RunnerProgram> = new Map([
  ['forgejo', forgejoRunner],
  ['gitea', giteaRunner],
  ['github', githubRunner],
])

type Named = Pick<LaunchRequest, 'name' | 'labels'>
type SharedToken = Credential & { kind: 'registration-token' }

// The whole credential as JSON, for a command of the user's own; and the bare token, as forgejo-runner reads it.
const credentialFile = 'credential.json'
const tokenFile = 'token'
// What `register` writes and `daemon` reads (act_runner 0.2.12 to gitea-runner 3.3).
const registrationFile = '.runner'

// Without it the runners of both forges serve a cache on every interface of the host (act_runner 0.2.12 to gitea-runner 3.3,
// forgejo-runner 12.8), which no later job could use: it lies in the work folder.
const settingsFile = 'settings.yaml'
const settings = { [settingsFile]: 'cache: { enabled: false }\n' }
const settingsArg = (folder: string) => `--config=${folder}/${settingsFile}`

/** Files of a work folder that are removed as soon as the runner had time to read them. */
export const credentialFiles = [credentialFile, tokenFile]

/** The recipe for a request; `folder` is its work folder. Rejects what the runner's command line could misread. */
export function recipe(
  request: Named,
  credential: Credential,
  command: readonly string[] | null,
  folder: string,
): Recipe {
  if (command) return ownCommand(command, credential, folder)
  for (const text of [...request.labels, request.name, credential.url]) checkPlain(text)
  switch (credential.kind) {
    case 'forgejo':
      return forgejo(request, credential, folder)
    case 'registration-token':
      return credential.forge === 'gitea'
        ? giteaByToken(request, credential, folder)
        : forgejoByToken(request, credential, folder)
    case 'gitea':
      return gitea(credential, folder)
    case 'jit':
      return { ...bare, ...githubRunner, env: jitVariable(credential) }
  }
}

const bare = { args: [], registration: null, files: {}, env: {} }

function ownCommand([program = '', ...args]: readonly string[], credential: Credential, folder: string): Recipe {
  return {
    ...bare,
    programs: [program],
    product: program,
    args,
    files: { [credentialFile]: JSON.stringify(credential) },
    env: { MUSTER_CREDENTIAL_FILE: `${folder}/${credentialFile}`, ...jitVariable(credential) },
  }
}

// forgejo-runner 12.8 (with Forgejo 15): `--token-url` takes a file, `--handle` binds to one attempt, `--wait` waits for a job.
function forgejo(
  { labels }: Pick<LaunchRequest, 'labels'>,
  { url, uuid, token, handle }: Credential & { kind: 'forgejo' },
  folder: string,
): Recipe {
  return {
    ...bare,
    ...forgejoRunner,
    files: { [tokenFile]: token, ...settings },
    args: [
      'one-job',
      settingsArg(folder),
      `--url=${url}`,
      `--uuid=${uuid}`,
      `--token-url=file:${encodeURI(folder)}/${tokenFile}`,
      ...labels.map((label) => `--label=${label}`),
      ...(handle === null ? [] : [`--handle=${handle}`]),
      '--wait',
    ],
  }
}

// Forgejo up to 14: only `register`'s questions on standard input take the token without an argument (forgejo-runner 6 to 13, register.go);
// they ask for the instance, the token, the name and the labels. `one-job --wait` is there since 12.7.
function forgejoByToken({ name, labels }: Named, { url, token }: SharedToken, folder: string): Recipe {
  return {
    ...bare,
    programs: ['forgejo-runner'],
    product: 'forgejo-runner 12.7 or later',
    registration: { args: ['register'], input: lines(url, token, name, joined(labels)), env: {} },
    files: settings,
    args: ['one-job', settingsArg(folder), '--wait'],
  }
}

// act_runner 0.2.12 to gitea-runner 2.0 ask for the token on standard input when no argument gives it; from 2.1 on it must be in the
// environment and is not asked for (register.go of both). Each ignores what it does not need.
function giteaByToken({ name, labels }: Named, { url, token }: SharedToken, folder: string): Recipe {
  return {
    ...bare,
    ...giteaRunner,
    registration: {
      args: ['register', '--ephemeral', `--instance=${url}`, `--name=${name}`, `--labels=${joined(labels)}`],
      input: lines(token),
      env: { GITEA_RUNNER_REGISTRATION_TOKEN: token },
    },
    files: settings,
    args: ['daemon', settingsArg(folder), '--once'],
  }
}

// Registered by us: the runner only needs the file that `register` would have written. An ephemeral one ends after its job.
function gitea({ id, uuid, name, token, url, labels }: Credential & { kind: 'gitea' }, folder: string): Recipe {
  const registration = { id: Number(id), uuid, name, token, address: url, labels, ephemeral: true }
  return {
    ...bare,
    ...giteaRunner,
    files: { [registrationFile]: JSON.stringify(registration), ...settings },
    args: ['daemon', settingsArg(folder), '--once'],
  }
}

// run.sh reads `--jitconfig` from here, and takes it out of the environment of its jobs.
function jitVariable(credential: Credential): Record<string, string> {
  return credential.kind === 'jit' ? { ACTIONS_RUNNER_INPUT_JITCONFIG: credential.config } : {}
}

/** The variables that every runner gets: a small base, then the user's, then ours, which nothing overrides. */
export function environment(
  request: LaunchRequest,
  own: { recipe: Recipe; options: Readonly<Record<string, string>>; instanceUrl: string; folder: string },
  base: { PATH?: string; LANG?: string },
): Record<string, string> {
  return {
    PATH: base.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: base.LANG ?? 'C.UTF-8',
    HOME: own.folder,
    TMPDIR: `${own.folder}/tmp`,
    ...own.options,
    ...request.env,
    ...told(request, own.instanceUrl),
    ...own.recipe.env,
  }
}

/** What every runner is told of itself, wherever it runs. */
export function told(request: LaunchRequest, instanceUrl: string): Record<string, string> {
  return {
    MUSTER_RUNNER_NAME: request.name,
    MUSTER_RUNNER_LABELS: request.labels.join(','),
    MUSTER_DISPATCH: request.id,
    MUSTER_INSTANCE: request.instance,
    MUSTER_JOB: request.job ?? '',
    MUSTER_FORGE_URL: instanceUrl,
    MUSTER_MACHINE_TYPE: request.machineType ?? '',
    MUSTER_IMAGE: request.image ?? '',
  }
}

/** Every secret of a credential, to be scrubbed from what a runner prints. */
export function secretsOf(credential: Credential): string[] {
  return [credential.kind === 'jit' ? credential.config : credential.token]
}

function joined(labels: readonly string[]): string {
  const split = labels.find((label) => label.includes(','))
  if (split !== undefined)
    throw new DispatchRefused(`the label "${split}" has a comma, which the runner would read as two labels`)
  return labels.join(',')
}

function checkPlain(text: string): void {
  if (/\p{Cc}/u.test(text))
    throw new DispatchRefused("a label, the name or the forge's address holds a control character")
}

function lines(...texts: string[]): string {
  return texts.map((text) => `${text}\n`).join('')
}
