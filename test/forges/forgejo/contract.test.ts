import { forgeContract } from '../contract.ts'
import { contractWorld } from './world.ts'

forgeContract('forgejo 15', contractWorld({ version: 15 }))
forgeContract('forgejo with job events and pages of 7', contractWorld({ version: 17, jobEvents: true, cap: 7 }))
