import type { Forge, ForgeContext, ForgeKind } from './forge.ts'
import { forgejo } from './forgejo/forge.ts'
import { type ForgejoOptions, forgejoOptions } from './forgejo/options.ts'
import { gitea } from './gitea/forge.ts'
import { type GiteaOptions, giteaOptions } from './gitea/options.ts'
import { github } from './github/forge.ts'
import { type GithubOptions, githubOptions } from './github/options.ts'

/** Every forge kind that is built: a new one is a folder and its lines in this file. */
export const forgeKinds = { forgejo, gitea, github } as const

/** How each kind is written in the configuration. */
export const forgeOptions = { forgejo: forgejoOptions, gitea: giteaOptions, github: githubOptions } as const

/** A kind with the options that its own schema gave. */
export type ForgeSettings =
  | { kind: 'forgejo'; options: ForgejoOptions }
  | { kind: 'gitea'; options: GiteaOptions }
  | { kind: 'github'; options: GithubOptions }

export function isForgeKind(name: string): name is ForgeKind {
  return Object.hasOwn(forgeKinds, name)
}

export function createForge(settings: ForgeSettings, context: ForgeContext): Forge {
  switch (settings.kind) {
    case 'forgejo':
      return forgejo.create(settings.options, context)
    case 'gitea':
      return gitea.create(settings.options, context)
    case 'github':
      return github.create(settings.options, context)
  }
}
