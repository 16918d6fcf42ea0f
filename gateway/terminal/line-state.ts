export type LineState =
  | { readonly type: 'opening'; readonly reason?: string }
  | { readonly type: 'connected' }
  | { readonly type: 'lost'; readonly reason: string }
  /** The line is open, and the terminal answers nothing that it is asked. */
  | { readonly type: 'silent'; readonly reason: string }
  | { readonly type: 'stopped' }
