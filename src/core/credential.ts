/** What a runner needs to join; handed to a dispatcher and never kept. */
export type Credential =
  /** Forgejo 15 and later: one registration for one runner, bound to one attempt when `handle` is given. */
  | { kind: 'forgejo'; url: string; uuid: string; token: string; handle: string | null }
  /** The shared token of the scope: Forgejo up to 14, and Gitea where we cannot register. */
  | { kind: 'registration-token'; forge: 'forgejo' | 'gitea'; url: string; token: string }
  /** Gitea: one ephemeral runner that we registered ourselves; its `.runner` file is made of this. */
  | { kind: 'gitea'; url: string; id: string; uuid: string; name: string; token: string; labels: readonly string[] }
  /** GitHub: everything the runner needs, base64; it is itself a credential. */
  | { kind: 'jit'; url: string; config: string }
