import type { Config } from '../../config/config.ts'
import type { ApiDeps } from '../api-deps.ts'
import type { Attempts } from '../attempts.ts'

/** What the pages are made from. */
export interface DashboardDeps extends ApiDeps {
  config: () => ReturnType<ApiDeps['config']> & Pick<Config, 'admin'>
  /** Counts wrong tokens, here and everywhere else on this listener. */
  badTokens: Attempts
}
