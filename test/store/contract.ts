import { describe, test } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { deliveriesContract } from './contract/deliveries.ts'
import { dispatchesContract } from './contract/dispatches.ts'
import { factsContract } from './contract/facts.ts'
import { historyContract } from './contract/history.ts'
import { hostileTextContract } from './contract/hostile-text.ts'
import { instancesContract } from './contract/instances.ts'
import { listsContract } from './contract/lists.ts'
import { outcomesContract } from './contract/outcomes.ts'
import { overviewContract } from './contract/overview.ts'
import { requestsContract } from './contract/requests.ts'
import { retriesContract } from './contract/retries.ts'
import { saveContract } from './contract/save.ts'
import { verdictsContract } from './contract/verdicts.ts'

/** What every store promises. `open` answers an empty one each time. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  const withStore = test.extend<{ store: Store }>({
    // biome-ignore lint/correctness/noEmptyPattern: vitest finds the fixtures that a fixture needs in this pattern
    store: async ({}, use) => {
      const store = await open()
      await use(store)
      await store.close()
    },
  })
  describe(`${name}, like every store,`, () => {
    deliveriesContract(withStore)
    factsContract(withStore)
    saveContract(withStore)
    dispatchesContract(withStore)
    outcomesContract(withStore)
    requestsContract(withStore)
    instancesContract(withStore)
    listsContract(withStore)
    historyContract(withStore)
    hostileTextContract(withStore)
    overviewContract(withStore)
    retriesContract(withStore)
    verdictsContract(withStore)
  })
}
