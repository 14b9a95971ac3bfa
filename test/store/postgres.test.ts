import { describe } from 'vitest'
import { openPostgresStore } from '../../src/store/postgres.ts'
import { postgresServer } from '../support/postgres.ts'
import { storeContract } from './contract.ts'

const server = await postgresServer()
const url = (await server?.newDatabase()) ?? ''

describe.skipIf(server === null)('on a real server', () => {
  storeContract('PostgreSQL', async () => {
    await server?.empty(url)
    return openPostgresStore({ url, leaseClock: 'caller' })
  })
})
