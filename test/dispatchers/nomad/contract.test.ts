import { dispatcherContract } from '../contract.ts'
import { aNomad } from './place.ts'

dispatcherContract('nomad', () => aNomad())
dispatcherContract('nomad with a job of the ancestor', () => aNomad('ancestor'))
