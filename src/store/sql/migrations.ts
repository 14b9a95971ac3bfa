import { first } from './migrations/001-first.ts'
import { recovery } from './migrations/002-recovery.ts'
import { fallback } from './migrations/003-fallback.ts'
import { requests } from './migrations/004-requests.ts'
import { leases } from './migrations/005-leases.ts'
import { trail } from './migrations/006-trail.ts'
import { samples } from './migrations/007-samples.ts'
import { pause } from './migrations/008-pause.ts'

/** In SQLite's words, which PostgreSQL reads with the few that it has others for; or in each one's own, where they have to differ. */
export type Step = string | { readonly sqlite: string; readonly postgres: string }

/** The steps from nothing to the schema of this version, in order. A step that was ever released is never changed. */
export const migrations: readonly Step[] = [first, recovery, fallback, requests, leases, trail, samples, pause]
