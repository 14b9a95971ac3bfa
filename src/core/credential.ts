/** What a runner needs to join; handed to a dispatcher and never kept. */
export type Credential =
  /** Forgejo 15 and later: one registration for one runner, bound to one attempt when `handle` is given. */
  | { kind: 'forgejo'; url: string; uuid: string; token: string; handle: string | null }
  /** The shared token of the scope: Gitea, and Forgejo up to 14. */
  | { kind: 'registration-token'; forge: 'forgejo' | 'gitea'; url: string; token: string }
  /** GitHub: everything the runner needs, base64; it is itself a credential. */
  | { kind: 'jit'; url: string; config: string }
