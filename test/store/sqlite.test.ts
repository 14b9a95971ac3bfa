import { openSqliteStore } from '../../src/store/sqlite.ts'
import { storeFiles } from '../support/store-files.ts'
import { storeContract } from './contract.ts'

const newFile = storeFiles()

storeContract('SQLite in memory', () => openSqliteStore({ path: ':memory:' }))
storeContract('SQLite in a file', () => openSqliteStore({ path: newFile() }))
