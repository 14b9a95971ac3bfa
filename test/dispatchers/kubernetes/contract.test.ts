import { dispatcherContract } from '../contract.ts'
import { aCluster } from './place.ts'

dispatcherContract('kubernetes', () => aCluster())
