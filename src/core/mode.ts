export type Mode = 'polling' | 'webhook' | 'webhook_only' | 'listening'

export const modes: readonly Mode[] = ['polling', 'webhook', 'webhook_only', 'listening']
