import type { Forge, ForgeContext, ForgeKind } from './forge.ts'
import { forgejo } from './forgejo/forge.ts'
import { gitea } from './gitea/forge.ts'
import { github } from './github/forge.ts'
import { type GithubOptions, githubOptions } from './github/options.ts'
import { type OwnServer, ownServer } from './own-server/server.ts'

/** Every forge kind that is built: a new one is a folder and its lines in this file. */
export const forgeKinds = { forgejo, gitea, github } as const

/** How each kind is written in the configuration. */
export const forgeOptions = { forgejo: ownServer, gitea: ownServer, github: githubOptions } as const

/** A kind with the options that its own schema gave. */
export type ForgeSettings =
  | { kind: 'forgejo'; options: OwnServer }
  | { kind: 'gitea'; options: OwnServer }
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
