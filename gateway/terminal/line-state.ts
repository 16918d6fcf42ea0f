import type { Complaint } from './garbage.js'

export type LineState =
  | { readonly type: 'opening'; readonly reason?: string }
  | { readonly type: 'connected' }
  | { readonly type: 'lost'; readonly reason: string }
  /** The line is open, and the terminal answers nothing that it is asked. */
  | { readonly type: 'silent'; readonly reason: string }
  /** The line is open, and what comes makes no sense. */
  | Complaint
  | { readonly type: 'stopped' }
