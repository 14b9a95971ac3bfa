import { dispatcherContract } from '../contract.ts'
import { aPlace } from './place.ts'

dispatcherContract('docker', () => aPlace())
