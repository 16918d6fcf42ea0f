import type { Adapter } from './adapter.js'
import { DEX } from './dex.js'
import { SCALES } from './scales.js'

/** The adapter of every `protocol` that vectors may name. */
export const ADAPTERS: Readonly<Record<string, Adapter>> = { ...DEX, ...SCALES }
