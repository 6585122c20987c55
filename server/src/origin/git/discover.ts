export type { DiscoverOptions, Discovery, Found, FoundRepository } from './found.ts'
