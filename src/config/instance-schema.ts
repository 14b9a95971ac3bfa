import { z } from 'zod'
import type { Scope } from '../core/scope.ts'
import { url } from '../fields/address.ts'
import { isTree, mapping, type Tell, type Tree, valueAt } from '../fields/mapping.ts'
import { found, told } from '../fields/refusal.ts'
import { secretList } from '../fields/secret.ts'
import { durationOf, flag, name, notSupportedYet, oneOf, type Reading, text } from '../fields.ts'
import type { ForgeKind } from '../forges/forge.ts'
import { forgeKinds, forgeOptions, isForgeKind } from '../forges/index.ts'
import { dispatcherOrName } from './dispatcher-schema.ts'
import { target } from './target-schema.ts'

export type WrittenInstance = z.output<ReturnType<typeof instance>>

const usualPoll = 30_000

/** One entry of `instances`. */
export function instance(reading: Reading) {
  return mapping(
    {
      name,
      forgejo: forgeOptions.forgejo(reading).optional(),
      gitea: forgeOptions.gitea(reading).optional(),
      github: forgeOptions.github(reading).optional(),
      github_scale_set: notSupportedYet('github_scale_set; use github').optional(),
      scope: scope(reading),
      disable_polling: flag.default(false),
      // 0 is the ancestor's way to say: as usual.
      poll_interval: durationOf()
        .transform((ms) => ms || usualPoll)
        .prefault(usualPoll / 1_000),
      reconcile_interval: durationOf().prefault('5m'),
      webhook_grace: durationOf().prefault('60s'),
      webhook_secret: secretList(reading),
      webhook: webhook(reading).prefault({}),
      dispatcher: dispatcherOrName(reading).nullable().default(null),
      dry_run: flag.default(false),
      targets: z
        .array(target(reading), { error: told('a list of targets') })
        .min(1, { error: told('at least one target') }),
    },
    ({ webhook_secret }, tell, written) => {
      checkForge(written, tell)
      if (webhook_secret?.length === 0) checkSecret(written, tell)
    },
  )
}

const levels = ['repository', 'organization', 'user', 'instance', 'enterprise'] as const
const slug = text('the name of an owner or a repository, without a slash', /^(?!\.{1,2}$)[^\s/\p{Cc}]*$/u)

/** What part of a forge is meant. */
export function scope(reading: Reading): z.ZodType<Scope> {
  return mapping(
    { level: oneOf(levels), owner: slug.prefault(''), name: slug.prefault('') },
    ({ level, owner, name }, tell) => {
      if (level === undefined || level === 'instance') return
      if (owner === '') tell(['owner'], `expected the owner, because the level is ${level}, found nothing`)
      if (level === 'repository' && name === '') {
        tell(['name'], 'expected the name of the repository, because the level is repository, found nothing')
      }
    },
  ).transform(({ level, owner, name }) => {
    const read = {
      level,
      owner: level === 'instance' ? null : owner,
      name: level === 'repository' ? name : null,
    }
    if (owner && !read.owner) reading.warnings.push(`scope.owner ${found(owner)} is not used at the level ${level}.`)
    if (name && !read.name) reading.warnings.push(`scope.name ${found(name)} is not used at the level ${level}.`)
    return read
  })
}

function webhook(reading: Reading) {
  const address = z.preprocess((input) => (input === '' ? undefined : input), url(reading).optional())
  return mapping({
    url: address,
    content_type: oneOf(['json', 'form']).default('json'),
    events: z.array(text('the name of an event', /^[\w*.-]{1,64}$/), { error: told('a list of events') }).default([]),
    active: flag.default(true),
  }).transform(({ url, content_type, events, active }) => {
    if (content_type === 'form') reading.warnings.push('webhook.content_type form cannot be read; json is used.')
    if (!url) return null
    return {
      url: url.href,
      contentType: 'json' as const,
      events: events.length > 0 ? events : ['workflow_job'],
      active,
    }
  })
}

/** Exactly one forge, and only what that forge has. */
function checkForge(written: Tree, tell: Tell): void {
  const choices = [...Object.keys(forgeKinds), 'github_scale_set']
  const forges = choices.filter((kind) => valueAt(written, kind) !== undefined)
  const [kind, another] = forges
  if (kind === undefined) tell([], `expected one of ${choices.join(', ')}, found none of them`)
  else if (another) tell([another], `expected exactly one of ${choices.join(', ')}, found ${forges.join(' and ')}`)
  else if (isForgeKind(kind)) checkLevel(kind, written, tell)
  if (kind === 'forgejo') checkUnlabelled(written, tell)
}

function checkLevel(kind: ForgeKind, written: Tree, tell: Tell): void {
  const scope = valueAt(written, 'scope')
  const { data: level } = oneOf(levels).safeParse(isTree(scope) ? valueAt(scope, 'level') : undefined)
  const known: readonly Scope['level'][] = forgeKinds[kind].levels
  if (level === undefined || known.includes(level)) return
  tell(['scope', 'level'], `expected ${known.join(', ')}, which ${kind} has, found "${level}"`)
}

function checkUnlabelled(written: Tree, tell: Tell): void {
  const targets = valueAt(written, 'targets')
  if (!Array.isArray(targets)) return
  targets.forEach((one: unknown, index) => {
    if (!isTree(one) || valueAt(one, 'match_unlabelled') !== true) return
    const path = ['targets', index, 'match_unlabelled']
    tell(path, 'expected false on Forgejo, which runs no job without labels, found true')
  })
}

/** There is no open mode: who takes webhooks has a secret. */
function checkSecret(written: Tree, tell: Tell): void {
  const hook = valueAt(written, 'webhook')
  const managed = isTree(hook) && Boolean(valueAt(hook, 'url'))
  if (!managed && valueAt(written, 'disable_polling') !== true) return
  const why = managed ? 'webhook.url is set' : 'disable_polling is true'
  tell(['webhook_secret'], `expected a secret, because ${why}, found nothing, make one with: openssl rand -hex 32`)
}
