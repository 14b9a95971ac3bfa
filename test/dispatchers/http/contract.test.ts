import { dispatcherContract } from '../contract.ts'
import { aService } from './place.ts'

dispatcherContract('http', aService)
