import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { authoritiesFile } from '../../fields/authorities.ts'
import { chosen, type Fields, mapping, named } from '../../fields/mapping.ts'
import { told } from '../../fields/refusal.ts'
import { secret } from '../../fields/secret.ts'
import { flag, oneOf, optionalText, type Reading, text, variables, wholeNumber } from '../../fields.ts'
import { Secret } from '../../secret.ts'
import { type EngineAddress, engineAddress, usualSockets, type WrittenAddress, writtenAddress } from './address.ts'

export interface DockerOptions {
  engine: EngineAddress
  /** For targets that name none. */
  image: string | null
  pull: 'always' | 'missing' | 'never'
  /** Shown to this registry alone. */
  registry: { host: string; user: string; password: Secret } | null
  /** The image of an engine of its own for each runner; null for none. */
  dind: string | null
  privileged: boolean
  /** The first is the one that the container is made in. */
  networks: readonly string[]
  /** `name:address`. */
  extraHosts: readonly string[]
  /** `name:/path` or `/path:/path`, `:ro` behind it. */
  volumes: readonly string[]
  /** Instead of the image's own. */
  user: string | null
  env: Readonly<Record<string, string>>
  /** The runner command as an argument list; null for the one that fits the forge's runner. */
  command: readonly string[] | null
  /** A small init of the engine's becomes process 1. */
  init: boolean
  ulimits: readonly { name: string; soft: number; hard: number }[]
}

const usualDind = 'docker:dind'

/** How it is written, beside what every dispatcher has. */
export function dockerFields(reading: Reading) {
  return {
    host: host(reading),
    ca_file: authoritiesFile(reading),
    cert_file: authoritiesFile(reading),
    key_file: keyFile(reading),
    image: optionalText,
    pull: oneOf(['always', 'missing', 'never']).default('missing'),
    registry: mapping({
      host: text('the host of a registry, with its port if it has one', /^[^\s/]+$/, 'without https://'),
      user: text('a user of the registry', /^\P{Cc}+$/u),
      password: secret(reading),
    })
      .nullable()
      .prefault(null),
    dind: dind.prefault(false),
    privileged: flag.default(false),
    networks: list(text('the name of a network', /^[A-Za-z0-9][\w.-]*$/)),
    extra_hosts: list(text('a name and an address such as cache.example:10.0.0.5', /^[^\s:]+:\S+$/)),
    volumes: list(
      text(
        'a volume such as cache:/var/cache or /srv/cache:/var/cache:ro',
        /^([A-Za-z0-9][\w.-]*|\/[^:\0]*):\/[^:\0]*(:(ro|rw|z|Z)(,(ro|rw|z|Z))*)?$/,
        'paths of the host are absolute',
      ),
    ),
    user: optionalText,
    env: variables.prefault({}),
    command: z
      .array(text('a text', /^[^\0]*$/), {
        error: told('a list of arguments', 'such as ["forgejo-runner", "one-job"]'),
      })
      .min(1, { error: told('a list with the program first') })
      .nullable()
      .prefault(null),
    init: flag.default(false),
    ulimits: named(text('the name of a limit such as nofile', /^[a-z]+$/), ulimit).prefault({}),
  }
}

export function dockerOptions(fields: Fields<ReturnType<typeof dockerFields>>): DockerOptions {
  const { host, ca_file, cert_file, key_file, extra_hosts, ulimits, ...same } = fields
  const files = ca_file || cert_file || key_file ? { ca: ca_file, cert: cert_file, key: key_file } : null
  return {
    ...same,
    engine: engineAddress(host, files),
    extraHosts: extra_hosts,
    ulimits: [...ulimits].map(([name, limits]) => ({ name, ...limits })),
  }
}

// $DOCKER_HOST goes before the usual sockets, as with Docker's own client.
function host({ environment }: Reading): z.ZodType<WrittenAddress> {
  const expected = told('unix:///path, tcp://host:port or the path of a socket')
  return z.unknown().transform((input, ctx): WrittenAddress => {
    const fromEnvironment = input === undefined || input === null || input === ''
    const written = fromEnvironment ? environment.DOCKER_HOST : input
    if (written === undefined || written === '') return { kind: 'sockets', paths: usualSockets(environment) }
    const address = typeof written === 'string' ? writtenAddress(written) : null
    if (address) return address
    const message = fromEnvironment
      ? 'expected nothing, or the address of an engine, while $DOCKER_HOST holds none that is understood; set "host"'
      : expected({ input })
    ctx.issues.push({ code: 'custom', message, input })
    return z.NEVER
  })
}

function keyFile({ folder, secrets, files }: Reading): z.ZodType<string | null> {
  return z
    .string({ error: told('the path of a PEM file') })
    .transform((path, ctx) => {
      const problem = (found: string) => {
        const message = `expected a readable file with a PEM private key, found ${found}`
        ctx.issues.push({ code: 'custom', message, input: path })
        return z.NEVER
      }
      try {
        const full = resolve(folder, path)
        files.push(full)
        if (!statSync(full).isFile()) return problem('something that is no file')
        const pem = readFileSync(full, 'utf8')
        if (!/-----BEGIN (?:\w+ )*PRIVATE KEY-----/.test(pem)) return problem('no private key in it')
        secrets.push(new Secret(pem, `file:${full}`))
        return pem
      } catch (error) {
        return problem(`none (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`)
      }
    })
    .nullable()
    .prefault(null)
}

const dind: z.ZodType<string | null> = chosen<string | null>((input) =>
  typeof input === 'string'
    ? text('true, false or an image', /^\S+$/)
    : flag.transform((wanted) => (wanted ? usualDind : null)),
)

const ulimit: z.ZodType<{ soft: number; hard: number }> = chosen((input) => {
  if (typeof input !== 'string') return wholeNumber(-1).transform((limit) => ({ soft: limit, hard: limit }))
  return text('a number, or soft:hard', /^-?\d+:-?\d+$/).transform((written) => {
    const [soft = 0, hard = 0] = written.split(':').map(Number)
    return { soft, hard }
  })
})

function list(each: z.ZodType<string>) {
  return z.array(each, { error: told('a list') }).default([])
}
