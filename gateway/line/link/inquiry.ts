/** A terminal is asked what it is, on a line that nobody else speaks on yet. */
export interface Inquiry {
  readonly request: Uint8Array
  readonly withinMs: number
  /** The first piece of the answer in all that is left of what was heard; nothing until it came. */
  answer(heard: Uint8Array): InquiryAnswer | undefined
}

/** A piece of an answer: these bytes are taken, all others are somebody else's. */
export interface InquiryAnswer {
  readonly from: number
  readonly to: number
  /** What the terminal has to be told, so that it goes on. */
  readonly reply?: Uint8Array
  /** With it the answer is complete. */
  readonly firmware?: string
}
